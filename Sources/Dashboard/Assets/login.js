const form = document.getElementById("login");
const error = document.getElementById("login-error");

/** Only a path of this node: a link that was sent to somebody must not lead him elsewhere. */
function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "/";
  // What the browser makes of it counts: it passes over tabs, and takes backslashes for slashes.
  const target = URL.canParse(wanted, location.href) ? new URL(wanted, location.href) : null;
  return target?.origin === location.origin ? target.href : "/";
}

/** A link can bring a token, behind `#`, where it stays in the browser. It is taken out of the address at once. */
async function followLink() {
  const token = location.hash.slice(1);
  if (!token.startsWith("mrd_")) return;
  history.replaceState(null, "", location.pathname + location.search);
  // Whoever is signed in stays who he is, whatever link somebody sent him. Others are led here, which is no error.
  const known = await fetch("/operations", { headers: { Accept: "text/html" }, redirect: "manual" }).catch(() => null);
  if (known?.ok) { location.replace(next()); return; }
  document.getElementById("token").value = token;
  form.requestSubmit();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.hidden = true;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch("/v1/session", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ token: document.getElementById("token").value.trim() }),
    });
    if (answer.ok) { location.replace(next()); return; }
    const problem = await answer.json().catch(() => ({}));
    refuse(answer.status === 401 ? "This token is not known here." : problem.detail ?? `The node answered with status ${answer.status}.`);
  } catch {
    refuse("The node cannot be reached.");
  } finally {
    button.disabled = false;
  }
});

function refuse(text) {
  error.textContent = text;
  error.hidden = false;
  document.getElementById("token").select();
}

document.getElementById("ended").hidden = !new URLSearchParams(location.search).has("ended");
followLink();
