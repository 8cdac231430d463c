// An OpenAI-shaped engine that only answers: one thread, epoll, a port of its own that it prints.
// The body of a request says what is wanted, so that it passes through every proxy:
//   "stream": true          server-sent events, else one answer of 1 KB
//   "max_tokens": N         chunks of a stream
//   "seed": R               chunks a second of each stream; 0 for all at once
//   "include_usage": true   one more event with the counts
// Each chunk carries its number and the time it was sent: a reader can tell order and delay.
// GET /stats tells what was seen; `aborts` are the times at which streams were left by their reader.
// usage: upstream MODEL
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, SPACE = 16384, MOST_ABORTS = 256, MOST_STREAMS = 65536 };
enum { FAILED = -1, MORE = 0, DONE = 1 };

struct conn {
    int fd, slot;                           // slot: place among the streams, -1 without one
    char *in, *out;                         // what was read; what the socket did not take yet
    size_t in_cap, in_len, out_cap, out_len;
    bool usage, closing, blocked;
    long chunks, next;                      // of the stream: how many, which is the next
    uint64_t start, due;
    double period;
};

static int poll_fd;
static const char *model;
static char answer[4096];
static size_t answer_len;
static struct conn *streams[MOST_STREAMS];
static int active;
static uint64_t requests, done, aborts[MOST_ABORTS];
static size_t abort_count;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch(struct conn *c, int action) {
    struct epoll_event wanted = {.events = EPOLLIN | EPOLLRDHUP | (c->blocked ? EPOLLOUT : 0)};
    wanted.data.ptr = c;
    epoll_ctl(poll_fd, action, c->fd, &wanted);
}

static void leave(struct conn *c) {
    if (c->slot < 0) return;
    streams[c->slot] = streams[--active];
    streams[c->slot]->slot = c->slot;
    c->slot = -1;
}

static void end(struct conn *c) {
    if (c->slot >= 0) aborts[abort_count++ % MOST_ABORTS] = now();
    leave(c);
    close(c->fd);
    free(c->in);
    free(c->out);
    free(c);
}

static int flush(struct conn *c) {
    size_t sent = 0;
    while (sent < c->out_len) {
        ssize_t n = send(c->fd, c->out + sent, c->out_len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return FAILED;
        if (n < 0) break;
        sent += (size_t)n;
    }
    memmove(c->out, c->out + sent, c->out_len -= sent);
    if (c->blocked != (c->out_len > 0)) {
        c->blocked = c->out_len > 0;
        watch(c, EPOLL_CTL_MOD);
    }
    return c->blocked ? MORE : DONE;
}

static int put(struct conn *c, const char *text, size_t size) {
    if (!c->out_len) {
        ssize_t n = send(c->fd, text, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return FAILED;
        if (n > 0) text += n, size -= (size_t)n;
        if (!size) return DONE;
    }
    if (c->out_len + size > c->out_cap) {
        c->out_cap = (c->out_len + size) * 2;
        c->out = realloc(c->out, c->out_cap);
    }
    memcpy(c->out + c->out_len, text, size);
    c->out_len += size;
    return flush(c);
}

// The value of a key of the body, which nobody but our own load writes: no JSON parser is needed.
static const char *value(const char *body, size_t size, const char *key) {
    const char *found = memmem(body, size, key, strlen(key));
    return found ? found + strlen(key) + strspn(found + strlen(key), " :") : NULL;
}

static long number(const char *body, size_t size, const char *key, long otherwise) {
    const char *found = value(body, size, key);
    return found ? strtol(found, NULL, 10) : otherwise;
}

static bool is_true(const char *body, size_t size, const char *key) {
    const char *found = value(body, size, key);
    return found && !strncmp(found, "true", 4);
}

static int headed(struct conn *c, const char *body, size_t size) {
    char out[8192];
    int n = snprintf(out, sizeof out,
                     "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: application/json\r\n"
                     "content-length: %zu\r\n\r\n%.*s", size, (int)size, body);
    return put(c, out, (size_t)n);
}

static int stats(struct conn *c) {
    char out[8192];
    int n = snprintf(out, sizeof out, "{\"requests\": %lu, \"active\": %d, \"done\": %lu, \"aborts\": [",
                     requests, active, done);
    size_t first = abort_count > MOST_ABORTS ? abort_count - MOST_ABORTS : 0;
    for (size_t i = first; i < abort_count; i++)
        n += snprintf(out + n, sizeof out - (size_t)n, "%s%lu", i > first ? ", " : "",
                      aborts[i % MOST_ABORTS]);
    n += snprintf(out + n, sizeof out - (size_t)n, "]}");
    abort_count = 0;
    return headed(c, out, (size_t)n);
}

static int get(struct conn *c) {
    if (!strncmp(c->in + 4, "/stats", 6)) return stats(c);
    char out[512];
    int n = snprintf(out, sizeof out,
                     "{\"object\": \"list\", \"data\": [{\"id\": \"%s\", \"object\": \"model\", "
                     "\"created\": 1790000000, \"owned_by\": \"vllm\", \"max_model_len\": 131072}]}",
                     model);
    return headed(c, out, (size_t)n);
}

// Send the next event of a stream.
static int emit(struct conn *c) {
    char event[768], out[1024];
    int n = sprintf(event,
                    "data: {\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":"
                    "\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"%s\",", model);
    bool last = c->next > c->chunks + c->usage;
    if (last)
        n = sprintf(event, "data: [DONE]\n\n");
    else if (c->next > c->chunks)
        n += sprintf(event + n, "\"choices\":[],\"usage\":{\"prompt_tokens\":250,\"total_tokens\":"
                     "%ld,\"completion_tokens\":%ld}}\n\n", 250 + c->chunks, c->chunks);
    else if (c->next == c->chunks)
        n += sprintf(event + n, "\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,"
                     "\"finish_reason\":\"stop\"}]}\n\n");
    else
        n += sprintf(event + n, "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"i=%ld;t=%lu;\"},"
                     "\"logprobs\":null,\"finish_reason\":null}]}\n\n", c->next, now());
    n = sprintf(out, "%x\r\n%s\r\n%s", n, event, last ? "0\r\n\r\n" : "");
    c->next++;
    if (put(c, out, (size_t)n) == FAILED) return FAILED;
    return last ? DONE : MORE;
}

static int post(struct conn *c, const char *body, size_t size) {
    if (!is_true(body, size, "\"stream\"")) return put(c, answer, answer_len);
    if (active == MOST_STREAMS) return FAILED;
    long rate = number(body, size, "\"seed\"", 0);
    c->chunks = number(body, size, "\"max_tokens\"", 64);
    c->usage = is_true(body, size, "\"include_usage\"");
    c->next = 0;
    c->period = rate > 0 ? 1e9 / (double)rate : 0;
    c->start = c->due = now();
    c->slot = active;
    streams[active++] = c;
    static const char head[] = "HTTP/1.1 200 OK\r\nserver: uvicorn\r\n"
                               "content-type: text/event-stream; charset=utf-8\r\n"
                               "transfer-encoding: chunked\r\n\r\n";
    return put(c, head, sizeof head - 1);
}

// Answer the first request of what was read: DONE when one was answered.
static int serve(struct conn *c) {
    if (c->slot >= 0 || !c->in_len) return MORE;
    char *blank = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (!blank) return c->in_len > 65536 ? FAILED : MORE;
    size_t head = (size_t)(blank - c->in) + 4, body = 0;
    for (char *line = c->in; (line = memchr(line, '\n', (size_t)(blank - line))); ) {
        line++;
        if (!strncasecmp(line, "content-length:", 15)) body = strtoul(line + 15, NULL, 10);
        if (!strncasecmp(line, "transfer-encoding:", 18)) return FAILED;
        if (!strncasecmp(line, "connection: close", 17)) c->closing = true;
    }
    if (c->in_len < head + body) return MORE;
    requests++;
    c->in[c->in_len] = 0;
    int result = strncmp(c->in, "GET ", 4) ? post(c, c->in + head, body) : get(c);
    memmove(c->in, c->in + head + body, c->in_len -= head + body);
    if (result == FAILED || (c->closing && c->slot < 0 && !c->out_len)) return FAILED;
    return DONE;
}

static int serve_all(struct conn *c) {
    int result;
    while ((result = serve(c)) == DONE) continue;
    return result;
}

static int receive(struct conn *c) {
    for (;;) {
        if (c->in_cap - c->in_len < SPACE / 2) c->in = realloc(c->in, c->in_cap *= 2);
        size_t room = c->in_cap - c->in_len - 1;
        ssize_t n = recv(c->fd, c->in + c->in_len, room, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return FAILED;
        if (n > 0) c->in_len += (size_t)n;
        if (n < (ssize_t)room) return serve_all(c);
    }
}

static void come(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct conn *c = calloc(1, sizeof *c);
        *c = (struct conn){.fd = fd, .slot = -1, .in = malloc(SPACE), .in_cap = SPACE};
        watch(c, EPOLL_CTL_ADD);
    }
}

// Send every event that is due.
static void tick(void) {
    uint64_t t = now();
    for (int k = active - 1; k >= 0; k--) {
        if (k >= active) continue;
        struct conn *c = streams[k];
        if (c->blocked || c->due > t) continue;
        int result = emit(c);
        if (c->next <= c->chunks) c->due = c->start + (uint64_t)(c->period * (double)c->next);
        if (result == DONE) {
            leave(c);
            done++;
            if ((c->closing && !c->out_len) || serve_all(c) == FAILED) end(c);
        } else if (result == FAILED) {
            end(c);
        }
    }
}

static struct timespec pause_of(void) {
    uint64_t t = now(), next = t + 5000000000u;
    for (int k = 0; k < active; k++)
        if (!streams[k]->blocked && streams[k]->due < next) next = streams[k]->due;
    uint64_t left = next > t ? next - t : 0;
    return (struct timespec){(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
}

static void prepare(void) {
    char text[641], body[2048];
    for (int i = 0; i < 640; i++) text[i] = "lorem ipsum dolor sit amet "[i % 27];
    text[640] = 0;
    int n = sprintf(body,
                    "{\"id\":\"chatcmpl-0123456789abcdef0123456789abcdef\",\"object\":"
                    "\"chat.completion\",\"created\":1790000000,\"model\":\"%s\",\"choices\":[{"
                    "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\"},"
                    "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":"
                    "250,\"total_tokens\":410,\"completion_tokens\":160}}", model, text);
    answer_len = (size_t)sprintf(answer,
                                 "HTTP/1.1 200 OK\r\nserver: uvicorn\r\ncontent-type: "
                                 "application/json\r\ncontent-length: %d\r\n\r\n%s", n, body);
}

static int listening(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(fd, (void *)&at, size) || listen(fd, 4096)) return -1;
    getsockname(fd, (void *)&at, &size);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    int listener = listening();
    if (count != 2 || listener < 0) return 1;
    model = words[1];
    prepare();
    poll_fd = epoll_create1(0);
    struct epoll_event wanted = {.events = EPOLLIN}, found[EVENTS];
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        struct timespec left = pause_of();
        int n = epoll_pwait2(poll_fd, found, EVENTS, &left, NULL);
        for (int k = 0; k < n; k++) {
            struct conn *c = found[k].data.ptr;
            int result = MORE;
            if (!c) {
                come(listener);
                continue;
            }
            if (found[k].events & ~(unsigned)EPOLLOUT) result = receive(c);
            if (result != FAILED && found[k].events & EPOLLOUT) result = flush(c);
            if (result == FAILED || (result == DONE && c->closing && c->slot < 0)) end(c);
        }
        tick();
    }
}
