/*
 * Asking over UDP and TCP without blocking. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/health/exchange.h"

#include "common/dns/dname.h"
#include "common/util/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS (EXCHANGE_UDP_MAX + EXCHANGE_TCP_MAX)
#define QUERY_MAX (DNS_HEADER_SIZE + DNAME_MAX + 4 + EDNS_SIZE_MIN)

/* One question that is at work. */
struct slot {
	struct exchange *x; /* NULL: free */
	int fd;
	bool tcp;
	uint16_t id;
	uint64_t end_ms;
	uint64_t again_ms; /* when UDP repeats; 0: not any more */
	uint8_t query[2 + QUERY_MAX]; /* with the two octets of length that TCP wants */
	size_t query_len;
	size_t sent;   /* of it, over TCP */
	uint8_t *reply; /* TCP: what has come of it */
	uint8_t prefix[2];
	size_t got; /* octets, the two of length among them */
};

struct run {
	struct slot slots[SLOTS];
	unsigned udp, tcp; /* at work */
	uint64_t until_ms;
};

static bool random_id(uint16_t *id)
{
	return getrandom(id, sizeof(*id), 0) == (ssize_t)sizeof(*id);
}

static void write_query(struct slot *slot)
{
	const struct exchange *x = slot->x;
	const struct edns_reply edns = { .udp_size = x->udp_size, .do_bit = x->do_bit, .ede = EDE_NONE };
	static struct compose c; /* larger than a stack likes */
	uint8_t *wire = slot->query + 2;
	compose_begin(&c, wire, QUERY_MAX, x->udp_size == 0 ? 0 : EDNS_SIZE_MIN, slot->id, x->flags, x->qname,
		      x->qtype, CLASS_IN);
	slot->query_len = compose_finish(&c, x->udp_size == 0 ? NULL : &edns);
	slot->query[0] = (uint8_t)(slot->query_len >> 8);
	slot->query[1] = (uint8_t)slot->query_len;
}

bool exchange_fits(const struct exchange *x, uint16_t id, const uint8_t *wire, size_t len)
{
	uint8_t name[DNAME_MAX];
	size_t pos = DNS_HEADER_SIZE;
	if (len < DNS_HEADER_SIZE || get_u16(wire) != id || (get_u16(wire + 2) & FLAG_QR) == 0 ||
	    get_u16(wire + 4) != 1 || dname_read(wire, len, &pos, name) < 0 || len - pos < 4) {
		return false;
	}
	return dname_equal(name, x->qname) && get_u16(wire + pos) == x->qtype && get_u16(wire + pos + 2) == CLASS_IN;
}

static void release(struct run *run, struct slot *slot)
{
	if (slot->fd >= 0) {
		close(slot->fd);
	}
	free(slot->reply);
	if (slot->tcp) {
		run->tcp--;
	} else {
		run->udp--;
	}
	memset(slot, 0, sizeof(*slot));
	slot->fd = -1;
}

static void give_up(struct run *run, struct slot *slot, enum exchange_state state, int error)
{
	slot->x->state = state;
	slot->x->error = error;
	release(run, slot);
}

static enum exchange_state state_of_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return EXCHANGE_CLOSED;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case EACCES: /* a prohibited route, or a filter */
	case EPERM:
		return EXCHANGE_NO_ROUTE;
	case ETIMEDOUT:
		return EXCHANGE_SILENT;
	default:
		return EXCHANGE_FAILED;
	}
}

static void fault(struct run *run, struct slot *slot)
{
	int error = errno;
	give_up(run, slot, state_of_errno(error), error);
}

static bool is_for_later(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == EINPROGRESS;
}

/* Begin, or begin again over TCP. */
static void start(struct run *run, struct exchange *x, bool tcp)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&x->to, &sa);
	struct slot *slot = run->slots;
	while (slot->x != NULL) { /* there is a free one: who calls has counted */
		slot++;
	}
	uint64_t now = clock_now_ms();
	*slot = (struct slot){ .x = x, .fd = -1, .tcp = tcp };
	run->tcp += tcp;
	run->udp += !tcp;
	x->state = EXCHANGE_ASKED;
	slot->end_ms = now + (x->long_patience ? EXCHANGE_LONG_PATIENCE_MS : EXCHANGE_PATIENCE_MS);
	slot->again_ms = tcp ? 0 : now + EXCHANGE_AGAIN_MS;
	slot->fd = socket(x->to.family == ADDR_V4 ? AF_INET : AF_INET6,
			  (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (slot->fd < 0 || len == 0 || !random_id(&slot->id)) {
		fault(run, slot);
		return;
	}
	write_query(slot);
	if (connect(slot->fd, (const struct sockaddr *)&sa, len) != 0 && !(tcp && is_for_later())) {
		fault(run, slot);
		return;
	}
	if (!tcp && send(slot->fd, slot->query + 2, slot->query_len, 0) < 0 && !is_for_later()) {
		fault(run, slot);
	}
}

/* The reply is complete. */
static void finish(struct run *run, struct slot *slot, const uint8_t *wire, size_t len)
{
	struct exchange *x = slot->x;
	bool truncated = !slot->tcp && (get_u16(wire + 2) & FLAG_TC) != 0;
	if (!slot->tcp) {
		x->udp_octets = (uint16_t)(len > UINT16_MAX ? UINT16_MAX : len);
	}
	if (truncated) {
		x->truncated = true;
		x->state = EXCHANGE_NEW; /* and once more when there is room */
		x->tcp = true;
		release(run, slot);
		return;
	}
	uint8_t *copy = malloc(len);
	if (copy == NULL) {
		give_up(run, slot, EXCHANGE_FAILED, ENOMEM);
		return;
	}
	memcpy(copy, wire, len);
	x->reply = copy;
	x->reply_len = len;
	give_up(run, slot, EXCHANGE_ANSWERED, 0);
}

static void read_udp(struct run *run, struct slot *slot)
{
	static uint8_t wire[DNS_MESSAGE_MAX];
	/* As many as are there, but not for ever: what does not fit is passed over. */
	for (unsigned i = 0; i < 16; i++) {
		ssize_t n = recv(slot->fd, wire, sizeof(wire), 0);
		if (n < 0) {
			if (!is_for_later()) {
				fault(run, slot);
			}
			return;
		}
		if (exchange_fits(slot->x, slot->id, wire, (size_t)n)) {
			finish(run, slot, wire, (size_t)n);
			return;
		}
	}
}

static void write_tcp(struct run *run, struct slot *slot)
{
	size_t len = 2 + slot->query_len;
	ssize_t n = send(slot->fd, slot->query + slot->sent, len - slot->sent, MSG_NOSIGNAL);
	if (n >= 0) {
		slot->sent += (size_t)n;
	} else if (!is_for_later()) {
		fault(run, slot);
	}
}

static void read_tcp(struct run *run, struct slot *slot)
{
	size_t whole = slot->got < 2 ? 2 : 2 + (size_t)get_u16(slot->prefix);
	uint8_t *to = slot->got < 2 ? slot->prefix + slot->got : slot->reply + (slot->got - 2);
	ssize_t n = recv(slot->fd, to, whole - slot->got, 0);
	if (n < 0) {
		if (!is_for_later()) {
			fault(run, slot);
		}
		return;
	}
	if (n == 0) {
		give_up(run, slot, EXCHANGE_CLOSED, 0);
		return;
	}
	slot->got += (size_t)n;
	if (slot->got == 2 && slot->reply == NULL) {
		size_t len = get_u16(slot->prefix);
		slot->reply = len == 0 ? NULL : malloc(len);
		if (slot->reply == NULL) {
			give_up(run, slot, len == 0 ? EXCHANGE_CLOSED : EXCHANGE_FAILED, len == 0 ? 0 : ENOMEM);
		}
		return;
	}
	if (slot->got > 2 && slot->got == 2 + (size_t)get_u16(slot->prefix)) {
		if (!exchange_fits(slot->x, slot->id, slot->reply, slot->got - 2)) {
			give_up(run, slot, EXCHANGE_CLOSED, 0); /* nonsense: nothing better will come */
			return;
		}
		finish(run, slot, slot->reply, slot->got - 2);
	}
}

/* Time passed: repeat, or give up. */
static void tick(struct run *run, struct slot *slot, uint64_t now)
{
	if (now >= slot->end_ms || now >= run->until_ms) {
		give_up(run, slot, EXCHANGE_SILENT, 0);
	} else if (slot->again_ms != 0 && now >= slot->again_ms) {
		slot->again_ms = 0;
		if (send(slot->fd, slot->query + 2, slot->query_len, 0) < 0 && !is_for_later()) {
			fault(run, slot);
		}
	}
}

static void wait_and_handle(struct run *run)
{
	struct pollfd fds[SLOTS];
	struct slot *slots[SLOTS];
	nfds_t count = 0;
	uint64_t now = clock_now_ms();
	uint64_t next = run->until_ms;
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &run->slots[i];
		if (slot->x == NULL) {
			continue;
		}
		bool writing = slot->tcp && slot->sent < 2 + slot->query_len;
		fds[count] = (struct pollfd){ .fd = slot->fd, .events = writing ? POLLOUT : POLLIN };
		slots[count++] = slot;
		next = slot->end_ms < next ? slot->end_ms : next;
		next = slot->again_ms != 0 && slot->again_ms < next ? slot->again_ms : next;
	}
	int timeout = next <= now ? 0 : next - now > 1000 ? 1000 : (int)(next - now);
	int ready = poll(fds, count, timeout);
	for (nfds_t i = 0; i < count && ready > 0; i++) {
		if (fds[i].revents == 0) {
			continue;
		}
		if (!slots[i]->tcp) {
			read_udp(run, slots[i]);
		} else if ((fds[i].events & POLLOUT) != 0) {
			write_tcp(run, slots[i]);
		} else {
			read_tcp(run, slots[i]);
		}
	}
	now = clock_now_ms();
	for (nfds_t i = 0; i < count; i++) {
		if (slots[i]->x != NULL) {
			tick(run, slots[i], now);
		}
	}
}

struct exchange *exchange_add(struct exchange_list *list, const struct addr *to, const uint8_t *qname, uint16_t qtype)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		struct exchange *items = realloc(list->items, room * sizeof(*items));
		if (items == NULL) {
			return NULL;
		}
		list->items = items;
		list->room = room;
	}
	struct exchange *x = &list->items[list->count++];
	memset(x, 0, sizeof(*x));
	x->to = *to;
	memcpy(x->qname, qname, dname_len(qname));
	x->qtype = qtype;
	x->udp_size = UDP_SIZE_MAX;
	x->do_bit = true;
	return x;
}

int exchange_run(struct exchange_list *list, uint64_t until_ms)
{
	struct exchange *items = list->items;
	struct run *run = calloc(1, sizeof(*run));
	size_t next = 0;  /* all before were begun over the protocol they name */
	size_t again = 0; /* those before are not waiting for TCP any more */
	if (run == NULL) {
		return BH_ENOMEM;
	}
	run->until_ms = until_ms;
	for (;;) {
		bool in_time = clock_now_ms() < until_ms;
		while (in_time && next < list->count && (items[next].tcp ? run->tcp < EXCHANGE_TCP_MAX : run->udp < EXCHANGE_UDP_MAX)) {
			start(run, &items[next], items[next].tcp);
			next++;
		}
		/* Truncated over UDP, now over TCP: they stand somewhere before `next`. */
		for (size_t i = again; in_time && i < next && run->tcp < EXCHANGE_TCP_MAX; i++) {
			if (items[i].state == EXCHANGE_NEW && items[i].truncated) {
				start(run, &items[i], true);
			}
		}
		while (again < next && items[again].state != EXCHANGE_NEW && items[again].state != EXCHANGE_ASKED) {
			again++;
		}
		if (run->udp + run->tcp == 0 && (!in_time || again >= list->count)) {
			break;
		}
		wait_and_handle(run);
	}
	free(run);
	return BH_OK;
}

void exchange_clear(struct exchange_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].reply);
	}
	free(list->items);
	*list = (struct exchange_list){ .items = NULL };
}

bool exchange_read(const struct exchange *x, struct region *region, struct message *out)
{
	return x->state == EXCHANGE_ANSWERED && message_parse(x->reply, x->reply_len, region, out) == BH_OK;
}

const char *exchange_trouble(const struct exchange *x)
{
	switch (x->state) {
	case EXCHANGE_NEW:
		return "was not asked: the time was up";
	case EXCHANGE_ASKED:
	case EXCHANGE_SILENT:
		return "does not answer";
	case EXCHANGE_CLOSED:
		return "does not take it: nobody listens, or the connection ended";
	case EXCHANGE_NO_ROUTE:
		return "cannot be reached from here";
	case EXCHANGE_FAILED:
		return strerror(x->error);
	case EXCHANGE_ANSWERED:
		break;
	}
	return "answers with what is no DNS message";
}

bool exchange_is_here(const struct addr *addr)
{
	struct sockaddr_storage sa;
	struct addr host = *addr;
	host.port = 0;
	socklen_t len = addr_to_sockaddr(&host, &sa);
	int fd = socket(addr->family == ADDR_V4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool here = fd >= 0 && len != 0 && bind(fd, (const struct sockaddr *)&sa, len) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return here;
}
