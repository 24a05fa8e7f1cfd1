const form = document.getElementById("login");
const error = document.getElementById("login-error");

/** Only a path of this node: a link that was sent to somebody must not lead him elsewhere. */
function next() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(wanted) ? wanted : "/";
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
