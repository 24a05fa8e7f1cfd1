// The floor under a name server: receives batches of queries and sends each back, padded to the size of an answer.
//
//     dns-echo PORT BYTES
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH 64
#define BYTES 1232

static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];
static struct sockaddr_in sources[BATCH];
static uint8_t buffers[BATCH][BYTES];

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    size_t answer = (size_t)atoi(argv[2]);
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
    struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (answer > BYTES || bind(fd, (struct sockaddr *)&here, sizeof here) != 0) {
        perror("dns-echo");
        return 1;
    }
    for (unsigned i = 0; i < BATCH; i++) {
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &sources[i], .msg_namelen = sizeof sources[i], .msg_iov = &parts[i], .msg_iovlen = 1};
        parts[i].iov_base = buffers[i];
    }
    for (;;) {
        for (unsigned i = 0; i < BATCH; i++) parts[i].iov_len = BYTES;
        int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) {
            buffers[i][2] |= 0x80;
            parts[i].iov_len = answer;
        }
        for (int sent = 0; sent < n;) {
            int m = sendmmsg(fd, messages + sent, (unsigned)(n - sent), 0);
            sent += m > 0 ? m : 1;
        }
    }
}
