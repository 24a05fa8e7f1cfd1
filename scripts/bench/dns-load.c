// A load for DNS servers over UDP: prepared queries as fast as answers come back, or at a set rate.
//
//     dns-load -p PORT -q FILE [-a ADDRESS] [-s SECONDS] [-c SOCKETS] [-w WINDOW] [-r RATE]
//
// FILE holds messages behind two bytes of length each, as over TCP; the load gives each an ID of its own. Without RATE,
// WINDOW queries are kept on their way. With it, queries leave at random times (a Poisson process), whatever comes back,
// and the load never sleeps, so that latencies are the server's. Prints one line of JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define ANSWER 4096
#define SLOTS 4096              // queries on their way for each socket; the ID's lower bits
#define PATIENCE 1000000000ull  // ns until a query counts as lost

static void fail(const char *what) {
    fprintf(stderr, "dns-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static uint64_t generator = 88172645463325252ull;
static double uniform(void) {
    generator ^= generator << 13;
    generator ^= generator >> 7;
    generator ^= generator << 17;
    return (double)(generator >> 11) / 9007199254740992.0;
}

// Latencies in buckets of 1/32 of their size.
#define BUCKETS (64 * 32)
static uint64_t histogram[BUCKETS];
static unsigned bucket(uint64_t v) {
    if (v < 32) return (unsigned)v;
    unsigned shift = 58 - (unsigned)__builtin_clzll(v);
    return (shift + 1) * 32 + (unsigned)(v >> shift) - 32;
}
static uint64_t lower_bound(unsigned b) {
    return b < 32 ? b : ((uint64_t)(b % 32 + 32) << (b / 32 - 1));
}
// A query that was lost took longest: leaving it out would flatter a server that drops what it cannot keep up with.
static double quantile(double q, uint64_t total) {
    uint64_t wanted = (uint64_t)ceil(q * (double)total), seen = 0;
    for (unsigned b = 0; b < BUCKETS; b++) {
        seen += histogram[b];
        if (seen >= wanted && seen > 0) return (double)lower_bound(b) / 1000.0;
    }
    return PATIENCE / 1000.0;
}

struct flight {
    uint64_t sent;  // 0: free
    uint16_t id;
};

struct lane {
    int fd;
    uint16_t next;
    unsigned open;
    struct flight flights[SLOTS];
};

static uint8_t *text;
static struct { uint8_t *bytes; size_t length; } *queries;
static size_t query_count, position;
static uint64_t sent, received, lost, unexpected, refused, bytes_sent, bytes_received, codes[16];
static struct mmsghdr in[BATCH], out[BATCH];
static struct iovec in_parts[BATCH], out_parts[BATCH];
static uint8_t answers[BATCH][ANSWER];

static void read_queries(const char *path) {
    int fd = open(path, O_RDONLY);
    struct stat s;
    if (fd < 0 || fstat(fd, &s) != 0) fail(path);
    text = malloc((size_t)s.st_size);
    for (off_t have = 0; have < s.st_size;) {
        ssize_t n = read(fd, text + have, (size_t)(s.st_size - have));
        if (n <= 0) fail(path);
        have += n;
    }
    close(fd);
    queries = calloc((size_t)s.st_size / 14 + 1, sizeof *queries);
    for (size_t at = 0; at + 2 <= (size_t)s.st_size;) {
        size_t length = (size_t)text[at] << 8 | text[at + 1];
        if (length < 12 || at + 2 + length > (size_t)s.st_size) break;
        queries[query_count].bytes = text + at + 2;
        queries[query_count++].length = length;
        at += 2 + length;
    }
    if (query_count < BATCH) {
        fprintf(stderr, "dns-load: %s: fewer than %d queries\n", path, BATCH);
        exit(1);
    }
}

static void send_queries(struct lane *l, unsigned count) {
    if (count > BATCH) count = BATCH;
    uint64_t time = now();
    for (unsigned i = 0; i < count; i++) {
        uint16_t id = l->next++;
        struct flight *f = &l->flights[id % SLOTS];
        if (f->sent) {
            lost++;
            l->open--;
        }
        f->sent = time;
        f->id = id;
        l->open++;
        uint8_t *bytes = queries[position].bytes;
        bytes[0] = (uint8_t)(id >> 8);
        bytes[1] = (uint8_t)id;
        out_parts[i] = (struct iovec){bytes, queries[position].length};
        bytes_sent += queries[position].length;
        if (++position == query_count) position = 0;
    }
    sent += count;
    for (unsigned done = 0; done < count;) {
        int n = sendmmsg(l->fd, out + done, count - done, 0);
        if (n > 0) {
            done += (unsigned)n;
        } else if (errno != EINTR) {
            // An ICMP error of an earlier query, or no memory: the query's answer will be missed.
            refused++;
            done++;
        }
    }
}

static unsigned receive_answers(struct lane *l) {
    int n = recvmmsg(l->fd, in, BATCH, MSG_DONTWAIT, NULL);
    if (n <= 0) return 0;
    uint64_t time = now();
    for (int i = 0; i < n; i++) {
        uint16_t id = (uint16_t)(answers[i][0] << 8 | answers[i][1]);
        struct flight *f = &l->flights[id % SLOTS];
        if (in[i].msg_len < 12 || !f->sent || f->id != id || !(answers[i][2] & 0x80)) {
            unexpected++;
            continue;
        }
        histogram[bucket(time - f->sent)]++;
        codes[answers[i][3] & 15]++;
        bytes_received += in[i].msg_len;
        f->sent = 0;
        l->open--;
        received++;
    }
    return (unsigned)n;
}

static void give_up(struct lane *l, uint64_t before) {
    for (unsigned i = 0; i < SLOTS; i++) {
        if (l->flights[i].sent && l->flights[i].sent < before) {
            l->flights[i].sent = 0;
            l->open--;
            lost++;
        }
    }
}

int main(int argc, char **argv) {
    const char *address = "127.0.0.1", *path = NULL;
    int port = 0, option;
    double seconds = 5, rate = 0;
    unsigned count = 16, window = 256;
    while ((option = getopt(argc, argv, "a:p:q:s:c:w:r:")) != -1) {
        switch (option) {
            case 'a': address = optarg; break;
            case 'p': port = atoi(optarg); break;
            case 'q': path = optarg; break;
            case 's': seconds = atof(optarg); break;
            case 'c': count = (unsigned)atoi(optarg); break;
            case 'w': window = (unsigned)atoi(optarg); break;
            case 'r': rate = atof(optarg); break;
            default: return 2;
        }
    }
    if (!path || port <= 0 || count < 1 || count > 256 || window < count || window / count > SLOTS / 2) {
        fprintf(stderr, "dns-load -p PORT -q FILE [-a ADDRESS] [-s SECONDS] [-c SOCKETS] [-w WINDOW] [-r RATE]\n");
        return 2;
    }
    read_queries(path);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) fail(address);
    struct lane *lanes = calloc(count, sizeof *lanes);
    struct pollfd *waiting = calloc(count, sizeof *waiting);
    for (unsigned i = 0; i < count; i++) {
        int size = 4 << 20;
        lanes[i].fd = socket(AF_INET, SOCK_DGRAM, 0);
        setsockopt(lanes[i].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        setsockopt(lanes[i].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        if (lanes[i].fd < 0 || connect(lanes[i].fd, (struct sockaddr *)&to, sizeof to) != 0) fail("connect");
        waiting[i] = (struct pollfd){.fd = lanes[i].fd, .events = POLLIN};
    }
    for (unsigned i = 0; i < BATCH; i++) {
        in_parts[i] = (struct iovec){answers[i], ANSWER};
        in[i].msg_hdr = (struct msghdr){.msg_iov = &in_parts[i], .msg_iovlen = 1};
        out[i].msg_hdr = (struct msghdr){.msg_iov = &out_parts[i], .msg_iovlen = 1};
    }
    uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9), swept = start, time = start;
    double due = (double)start;
    unsigned share = window / count, turn = 0;
    while ((time = now()) < end) {
        unsigned got = 0;
        if (rate > 0) {
            // All that is due leaves at once, from a random socket: several only when this load was held up.
            unsigned burst = 0;
            while (due <= (double)time && burst < BATCH) {
                due += -log(1 - uniform()) * 1e9 / rate;
                burst++;
            }
            if (burst > 0) send_queries(&lanes[(unsigned)(uniform() * count)], burst);
            got = receive_answers(&lanes[turn++ % count]);
        } else {
            for (unsigned i = 0; i < count; i++) {
                got += receive_answers(&lanes[i]);
                if (lanes[i].open < share) {
                    send_queries(&lanes[i], share - lanes[i].open);
                    got++;
                }
            }
            if (got == 0) poll(waiting, count, 10);
        }
        if (time - swept > PATIENCE / 10) {
            swept = time;
            for (unsigned i = 0; i < count; i++) give_up(&lanes[i], time - PATIENCE);
        }
    }
    double elapsed = (double)(now() - start) / 1e9;
    uint64_t in_time = received;
    for (uint64_t last = now() + PATIENCE; now() < last;) {
        unsigned open = 0;
        for (unsigned i = 0; i < count; i++) {
            receive_answers(&lanes[i]);
            open += lanes[i].open;
        }
        if (open == 0) break;
    }
    for (unsigned i = 0; i < count; i++) give_up(&lanes[i], UINT64_MAX);
    printf("{\"sent\": %lu, \"received\": %lu, \"lost\": %lu, \"unexpected\": %lu, \"send_errors\": %lu, "
           "\"rate\": %.0f, \"query_bytes\": %.1f, \"answer_bytes\": %.1f, \"codes\": [",
           sent, received, lost, unexpected, refused, (double)in_time / elapsed,
           sent ? (double)bytes_sent / (double)sent : 0.0, received ? (double)bytes_received / (double)received : 0.0);
    for (unsigned i = 0; i < 16; i++) printf("%s%lu", i ? ", " : "", codes[i]);
    printf("], \"latency\": {\"p50\": %.2f, \"p99\": %.2f, \"p99.9\": %.2f, \"max\": %.2f}}\n", quantile(0.5, sent),
           quantile(0.99, sent), quantile(0.999, sent), quantile(1, sent));
    return 0;
}
