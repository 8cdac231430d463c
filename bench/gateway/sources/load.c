// Reads many streams at once and tells how late each chunk came: one thread, epoll, one JSON line.
// Made for `upstream`, whose chunks carry their number and the time they were sent (same clock).
// usage: load PORT MODEL KEY STREAMS CHUNKS RATE [--seconds S] [--stagger MS] [--leave-after N]
//   KEY may be "-"; RATE is chunks a second of each stream, 0 for all at once. Streams are started
//   over for S seconds (0: each once), first spread over MS; with N a reader leaves after N chunks.
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

enum { EVENTS = 512, SPACE = 65536, PATIENCE_S = 25 };
enum place { HEAD, SIZE, DATA, DATA_END, TRAILER, COMPLETE };

struct stream {
    int fd;
    enum place place;
    char *in, *body;                        // raw bytes; the body without its framing
    size_t in_len, body_cap, body_len, left;
    bool finished;                          // [DONE] was seen
    long seen;
    uint64_t began, from;                   // from: when it may start
};

struct samples { uint32_t *found; size_t count, space; };   // tenths of a microsecond

static int poll_fd;
static struct sockaddr_in target = {.sin_family = AF_INET};
static char *request;
static size_t request_len;
static long chunks, leave_after, live;
static double seconds;
static uint64_t start_ns;
static struct samples first, delay;
static long ok, bad, disorder, chunk_count, left_count;
static uint64_t left_at[1024], last_ns;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void keep(struct samples *s, uint64_t ns) {
    if (s->count == s->space) {
        s->space = s->space ? s->space * 2 : 65536;
        s->found = realloc(s->found, s->space * sizeof *s->found);
    }
    s->found[s->count++] = ns / 100 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 100);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void tell(const char *name, struct samples *s) {
    qsort(s->found, s->count, sizeof *s->found, compare);
    double at[] = {0.5, 0.99, 1.0}, shown[3] = {0};
    for (int i = 0; i < 3 && s->count; i++)
        shown[i] = s->found[(size_t)(at[i] * (double)(s->count - 1) + 0.5)] / 10.0;
    printf("\"%s\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}, ", name, shown[0], shown[1], shown[2]);
}

static void drop(struct stream *s) {
    close(s->fd);
    s->fd = -1;
}

// Connect (loopback: at once) where no connection is kept, and ask.
static void ask(struct stream *s) {
    int on = 1;
    s->place = HEAD;
    s->in_len = s->body_len = 0;
    s->finished = false;
    s->seen = 0;
    s->began = now();
    if (s->fd < 0) {
        s->fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = s};
        if (connect(s->fd, (void *)&target, sizeof target)) {
            bad++;
            drop(s);
            return;
        }
        epoll_ctl(poll_fd, EPOLL_CTL_ADD, s->fd, &wanted);
    }
    if (send(s->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len) {
        bad++;
        drop(s);
        return;
    }
    live++;
}

static void over(struct stream *s, bool good) {
    live--;
    last_ns = now();
    if (good) ok++;
    else bad++, drop(s);
    if (seconds > 0 && (double)(now() - start_ns) < seconds * 1e9) ask(s);
}

static void append(struct stream *s, const char *bytes, size_t size) {
    if (s->body_len + size + 1 > s->body_cap) {
        s->body_cap = (s->body_len + size + 1) * 2;
        s->body = realloc(s->body, s->body_cap);
    }
    memcpy(s->body + s->body_len, bytes, size);
    s->body_len += size;
    s->body[s->body_len] = 0;
}

// Take the events out of the body: number and time of each chunk.
static void events(struct stream *s, uint64_t t) {
    char *from = s->body, *end;
    while (s->body_len && (end = strstr(from, "\n\n"))) {
        *end = 0;
        char *text = strstr(from, "\"content\":\"i=");
        if (text) {
            long number = strtol(text + 13, &text, 10);
            uint64_t sent = strtoull(text + 3, NULL, 10);
            if (!s->seen) keep(&first, t - s->began);
            keep(&delay, t > sent ? t - sent : 0);
            disorder += number != s->seen++;
            chunk_count++;
        }
        s->finished |= !strncmp(from, "data: [DONE]", 12);
        from = end + 2;
    }
    s->body_len -= (size_t)(from - s->body);
    memmove(s->body, from, s->body_len + 1);
}

static char *line_end(char *p, char *end) { return memchr(p, '\n', (size_t)(end - p)); }

// Read the head: only a 200 with chunks is a stream. NULL: not all there; `end`: it is none.
static char *head(struct stream *s, char *p, char *end) {
    char *blank = memmem(p, (size_t)(end - p), "\r\n\r\n", 4);
    if (!blank) return NULL;
    *blank = 0;
    bool good = !strncmp(p, "HTTP/1.1 200", 12) && strcasestr(p, "transfer-encoding: chunked");
    if (!good) fprintf(stderr, "%.120s\n", p);
    s->place = good ? SIZE : COMPLETE;
    return good ? blank + 4 : end;
}

static void parse(struct stream *s) {
    char *p = s->in, *end = s->in + s->in_len, *line;
    while (p < end && s->place != COMPLETE) {
        if (s->place == HEAD) {
            if (!(line = head(s, p, end))) break;
            p = line;
        } else if (s->place == DATA) {
            size_t size = (size_t)(end - p) < s->left ? (size_t)(end - p) : s->left;
            append(s, p, size);
            p += size;
            if (!(s->left -= size)) s->place = DATA_END;
        } else {
            if (!(line = line_end(p, end))) break;
            if (s->place == SIZE) s->left = strtoul(p, NULL, 16);
            if (s->place == DATA_END) s->place = SIZE;
            else if (s->place == SIZE) s->place = s->left ? DATA : TRAILER;
            else if (line - p <= 1) s->place = COMPLETE;
            p = line + 1;
        }
    }
    s->in_len = (size_t)(end - p);
    memmove(s->in, p, s->in_len);
}

static void come(struct stream *s) {
    ssize_t n = recv(s->fd, s->in + s->in_len, SPACE - s->in_len, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        over(s, false);
        return;
    }
    s->in_len += (size_t)n;
    parse(s);
    if (s->body_len) events(s, now());
    if (leave_after && s->seen >= leave_after) {
        left_at[left_count++ % 1024] = now();
        live--;
        drop(s);
    } else if (s->place == COMPLETE) {
        over(s, s->seen == chunks && s->finished);
    }
}

static void prepare(const char *port, const char *model, const char *key, const char *rate) {
    char body[2048], access[512] = "";
    int n = sprintf(body, "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"", model);
    while (n < 800) n += sprintf(body + n, "The quick brown fox jumps over the lazy dog. ");
    n += sprintf(body + n, "\"}],\"max_tokens\":%ld,\"seed\":%s,\"stream\":true,"
                 "\"stream_options\":{\"include_usage\":true}}", chunks, rate);
    if (strcmp(key, "-")) snprintf(access, sizeof access, "Authorization: Bearer %s\r\n", key);
    request_len = (size_t)asprintf(&request,
                                   "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n"
                                   "Content-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s",
                                   port, access, n, body);
    target.sin_port = htons((uint16_t)atoi(port));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void report(long unfinished) {
    printf("{\"ok\": %ld, \"bad\": %ld, \"unfinished\": %ld, \"disorder\": %ld, \"chunks\": %ld, "
           "\"elapsed_s\": %.3f, ", ok, bad, unfinished, disorder, chunk_count,
           (double)(last_ns - start_ns) / 1e9);
    tell("first_us", &first);
    tell("delay_us", &delay);
    printf("\"left_at\": [");
    for (long i = 0; i < left_count && i < 1024; i++) printf("%s%lu", i ? ", " : "", left_at[i]);
    printf("]}\n");
}

int main(int count, char **words) {
    if (count < 7) return 2;
    int total = atoi(words[4]), started = 0;
    double stagger_ms = 0;
    chunks = atol(words[5]);
    for (int i = 7; i + 1 < count; i += 2) {
        if (!strcmp(words[i], "--seconds")) seconds = atof(words[i + 1]);
        else if (!strcmp(words[i], "--stagger")) stagger_ms = atof(words[i + 1]);
        else if (!strcmp(words[i], "--leave-after")) leave_after = atol(words[i + 1]);
        else return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    prepare(words[1], words[2], words[3], words[6]);
    poll_fd = epoll_create1(0);
    start_ns = last_ns = now();
    struct stream *all = calloc((size_t)total, sizeof *all);
    for (int i = 0; i < total; i++) {
        uint64_t from = start_ns + (uint64_t)(stagger_ms * 1e6 * i / total);
        all[i] = (struct stream){.fd = -1, .in = malloc(SPACE), .from = from};
    }
    struct epoll_event found[EVENTS];
    while (started < total || live) {
        uint64_t t = now();
        if (t - start_ns > PATIENCE_S * 1000000000ull) break;
        while (started < total && all[started].from <= t) ask(&all[started++]);
        uint64_t pause = 100000000;
        if (started < total && all[started].from - t < pause) pause = all[started].from - t;
        struct timespec left = {0, (long)pause};
        int n = epoll_pwait2(poll_fd, found, EVENTS, &left, NULL);
        for (int k = 0; k < n; k++) come(found[k].data.ptr);
    }
    report(live + total - started);
    return 0;
}
