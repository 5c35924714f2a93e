/* A stand-in for Twilio and SendGrid, for benchmarks: fast enough never to be the thing that is measured.
 *
 *   cc -O2 -o build/standin standin.c && build/standin PORT      (PORT 0: any; the port is printed)
 *
 * One thread, epoll, HTTP/1.1 with kept-alive connections, loopback only, no TLS.
 *   POST .../Messages.json   201 and a message, as Twilio answers
 *   POST /v3/mail/send       202 and X-Message-Id, as SendGrid answers
 *   GET  /__stats            counters as JSON
 *   GET  /__reset?latency=MS start counting afresh; answer every POST after MS milliseconds
 * A body that holds "midxNUMBERx" is counted under that NUMBER (below 2^24), else one to "To=+NUMBER" under the last 24 bits
 * of it, so that a message that was sent twice shows.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARKS (1u << 24)

typedef struct {
  int fd, waiting;        /* waiting: an answer is due; what follows in `in` has to wait its turn */
  unsigned generation;    /* a timer from before the connection was closed must not answer on its successor */
  size_t in_used, in_room, out_used, out_sent, out_room;
  char *in, *out;
} Conn;

typedef struct { double due; Conn *conn; unsigned generation; int twilio; } Due;

static int poller;
static double latency;
static unsigned long long requests, accepted, connections, in_flight, most_in_flight, unique, duplicates;
static double first_at, last_at;
static unsigned char *seen;
static Due *queue;       /* latency is the same for all, so first in is first due: a ring will do */
static size_t queue_head, queue_tail, queue_room;

static double clock_now(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void *grown(void *memory, size_t *room, size_t needed) {
  if (needed <= *room) return memory;
  *room = needed * 2;
  if (!(memory = realloc(memory, *room))) { perror("memory"); exit(1); }
  return memory;
}

static void put(Conn *c, const char *bytes, size_t n) {
  c->out = grown(c->out, &c->out_room, c->out_used + n);
  memcpy(c->out + c->out_used, bytes, n);
  c->out_used += n;
}

static void drop(Conn *c) {
  if (c->waiting) in_flight--;
  close(c->fd);
  free(c->in);
  free(c->out);
  *c = (Conn){.fd = -1, .generation = c->generation + 1}; /* the Conn itself stays: a timer may point at it */
}

static int want(Conn *c, unsigned events) {
  struct epoll_event wanted = {.events = events, .data.ptr = c};
  return epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &wanted);
}

static int flush_out(Conn *c) { /* -1: the connection is gone */
  while (c->out_sent < c->out_used) {
    ssize_t n = send(c->fd, c->out + c->out_sent, c->out_used - c->out_sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) return -1;
    if (n < 0) return want(c, EPOLLIN | EPOLLOUT);
    c->out_sent += n;
  }
  c->out_used = c->out_sent = 0;
  return 0;
}

static void put_json(Conn *c, const char *status, const char *extra, const char *json, int length) {
  char head[512];
  put(c, head, snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: application/json;charset=utf-8\r\n%sContent-Length: %d\r\n\r\n",
                        status, extra, length));
  put(c, json, length);
}

static void answer(Conn *c, int twilio) {
  char text[1536];
  unsigned long long id = ++accepted;
  last_at = clock_now(CLOCK_MONOTONIC);
  if (!first_at) first_at = last_at;
  if (!twilio) {
    put(c, text, snprintf(text, sizeof text, "HTTP/1.1 202 Accepted\r\nServer: nginx\r\nX-Message-Id: %022llx\r\nContent-Length: 0\r\n\r\n", id));
    return;
  }
  int n = snprintf(text, sizeof text,
      "{\"body\":\"Riverside Clinic: a short question about your treatment. Reply STOP to opt out.\",\"num_segments\":\"1\","
      "\"direction\":\"outbound-api\",\"from\":\"+15005550006\",\"date_updated\":\"Thu, 24 Aug 2023 05:01:45 +0000\",\"price\":null,"
      "\"error_message\":null,\"uri\":\"/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages/SM%032llx.json\","
      "\"account_sid\":\"AC00000000000000000000000000000000\",\"num_media\":\"0\",\"to\":\"+15551230000\","
      "\"date_created\":\"Thu, 24 Aug 2023 05:01:45 +0000\",\"status\":\"queued\",\"sid\":\"SM%032llx\",\"date_sent\":null,"
      "\"messaging_service_sid\":null,\"error_code\":null,\"price_unit\":\"USD\",\"api_version\":\"2010-04-01\",\"subresource_uris\":"
      "{\"media\":\"/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages/SM%032llx/Media.json\"}}", id, id, id);
  put_json(c, "201 CREATED", "Twilio-Concurrent-Requests: 1\r\nTwilio-Request-Duration: 0.051\r\nX-API-Domain: api.twilio.com\r\n"
                             "X-Home-Region: us1\r\n", text, n);
}

static void count_mark(const char *body, size_t length) {
  char *mark = memmem(body, length, "midx", 4);
  char *to = mark ? NULL : memmem(body, length, "To=%2B", 6);
  if (!mark && !to) return;
  unsigned long number = strtoul(mark ? mark + 4 : to + 6, NULL, 10) & (MARKS - 1);
  if (seen[number]) duplicates++; else unique++;
  seen[number] = 1;
}

static void put_stats(Conn *c) {
  char text[512];
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  put_json(c, "200 OK", "", text, snprintf(text, sizeof text,
      "{\"requests\":%llu,\"accepted\":%llu,\"connections\":%llu,\"most_in_flight\":%llu,\"unique\":%llu,\"duplicates\":%llu,"
      "\"seconds\":%.6f,\"cpu_seconds\":%.3f}", requests, accepted, connections, most_in_flight, unique, duplicates, last_at - first_at, cpu));
}

static void reset(const char *target) {
  const char *asked = strstr(target, "latency=");
  latency = asked ? strtod(asked + 8, NULL) / 1000 : 0;
  requests = accepted = connections = most_in_flight = unique = duplicates = 0;
  first_at = last_at = 0;
  memset(seen, 0, MARKS);
}

static void take_post(Conn *c, int twilio, const char *body, size_t length) {
  requests++;
  count_mark(body, length);
  if (in_flight + 1 > most_in_flight) most_in_flight = in_flight + 1;
  if (latency <= 0) { answer(c, twilio); return; }
  in_flight++;
  c->waiting = 1;
  if (queue_tail - queue_head == queue_room) {
    Due *larger = malloc((queue_room ? queue_room * 2 : 4096) * sizeof(Due));
    if (!larger) { perror("memory"); exit(1); }
    for (size_t i = queue_head; i < queue_tail; i++) larger[i - queue_head] = queue[i % queue_room];
    free(queue);
    queue = larger;
    queue_tail -= queue_head;
    queue_head = 0;
    queue_room = queue_room ? queue_room * 2 : 4096;
  }
  queue[queue_tail++ % queue_room] = (Due){clock_now(CLOCK_MONOTONIC) + latency, c, c->generation, twilio};
}

static size_t content_length(const char *head, const char *end) {
  for (const char *line = memmem(head, end - head, "\r\n", 2); line && line < end; line = memmem(line + 2, end - line, "\r\n", 2))
    if (!strncasecmp(line + 2, "content-length:", 15)) return strtoul(line + 17, NULL, 10);
  return 0;
}

static int serve(Conn *c) { /* every whole request that is there; -1: the connection must go */
  size_t done = 0;
  while (!c->waiting && done < c->in_used) {
    char *head = c->in + done, *end = memmem(head, c->in_used - done, "\r\n\r\n", 4);
    if (!end) break;
    size_t head_length = end - head + 4, body_length = content_length(head, end);
    if (c->in_used - done < head_length + body_length) break;
    char method[8], target[512];
    if (sscanf(head, "%7s %511s", method, target) != 2) return -1;
    size_t n = strlen(target);
    int post = !strcmp(method, "POST");
    if (post && n > 14 && !strcmp(target + n - 14, "/Messages.json")) take_post(c, 1, end + 4, body_length);
    else if (post && !strcmp(target, "/v3/mail/send")) take_post(c, 0, end + 4, body_length);
    else if (!strncmp(target, "/__stats", 8)) put_stats(c);
    else if (!strncmp(target, "/__reset", 8)) { reset(target); put_json(c, "200 OK", "", "{}", 2); }
    else put_json(c, "404 Not Found", "", "{}", 2);
    done += head_length + body_length;
  }
  memmove(c->in, c->in + done, c->in_used - done);
  c->in_used -= done;
  return flush_out(c);
}

static int take_in(Conn *c) {
  for (;;) {
    c->in = grown(c->in, &c->in_room, c->in_used + 8192 + 1);
    size_t room = c->in_room - c->in_used - 1;
    ssize_t n = recv(c->fd, c->in + c->in_used, room, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return -1;
    if (n < 0) break;
    c->in_used += n;
    if ((size_t)n < room) break;
  }
  c->in[c->in_used] = 0; /* sscanf and strtoul stop here */
  return serve(c);
}

static void take_connections(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Conn *c = calloc(1, sizeof *c);
    if (!c) { close(fd); return; }
    c->fd = fd;
    connections++;
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted);
  }
}

static void answer_due(void) {
  double now = clock_now(CLOCK_MONOTONIC);
  while (queue_head < queue_tail && queue[queue_head % queue_room].due <= now) {
    Due due = queue[queue_head++ % queue_room];
    if (due.conn->generation != due.generation) continue;
    due.conn->waiting = 0;
    in_flight--;
    answer(due.conn, due.twilio);
    if (serve(due.conn)) drop(due.conn);
  }
}

int main(int count, char **words) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(count > 1 ? atoi(words[1]) : 0), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  signal(SIGPIPE, SIG_IGN);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) { perror("listen"); return 1; }
  getsockname(listener, (void *)&address, &size);
  seen = calloc(MARKS, 1);
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (!seen || poller < 0) { perror("start"); return 1; }
  struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &wanted);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  struct epoll_event events[512];
  for (;;) {
    int wait = -1;
    if (queue_head < queue_tail) {
      double left = queue[queue_head % queue_room].due - clock_now(CLOCK_MONOTONIC);
      wait = left > 0 ? (int)(left * 1000) + 1 : 0;
    }
    int n = epoll_wait(poller, events, 512, wait);
    for (int i = 0; i < n; i++) {
      Conn *c = events[i].data.ptr;
      if (!c) { take_connections(listener); continue; }
      if (c->fd < 0) continue;
      if ((events[i].events & EPOLLOUT) && (want(c, EPOLLIN) || flush_out(c))) { drop(c); continue; }
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && take_in(c)) drop(c);
    }
    answer_due();
  }
}
