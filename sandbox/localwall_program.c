/*
 * The program that looks at each packet of a role behind the wall (BPF_PROG_TYPE_CGROUP_SKB, at BPF_CGROUP_INET_EGRESS:
 * ip_finish_output and ip6_finish_output of the kernel run it when the packet has its route and its headers). Written
 * in the kernel's instructions, with labels: it is short, and needs no compiler for BPF where this is built.
 *
 * It reads the packet's own headers, never what the sender claimed in a call. It calls no helper, and ends by one of two
 * values: 1 lets the packet go, 0 drops it and gives the sender EPERM. What it does not understand it refuses.
 *
 * The kernel walks through all ways that the program can go when it is loaded, at every start. So what can be reckoned is
 * not decided by a jump: the ways from before a search would each be walked through with all of its steps.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "sandbox/localwall_table.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The loopback device has this index in every network namespace (LOOPBACK_IFINDEX of the kernel). */
#define LOOPBACK_DEVICE 1

#define INSNS_MAX 224
#define JUMPS_MAX 64

enum label {
	LABEL_IPV4,
	LABEL_IPV6,
	LABEL_TRANSPORT,
	LABEL_PORTS,
	LABEL_SEARCH,
	LABEL_ALLOW,
	LABEL_REFUSE,
	LABEL_DROP,
	/* each search has its own three */
	LABEL_SEARCH_ONE,
	LABEL_SEARCH_ALL = LABEL_SEARCH_ONE + 3,
	LABELS = LABEL_SEARCH_ALL + 3,
};

/* Of a search. */
enum { PROBE, FOUND, MISSED };

struct assembler {
	struct bpf_insn insns[INSNS_MAX];
	unsigned count;
	unsigned places[LABELS];
	struct {
		unsigned insn;
		enum label to;
	} jumps[JUMPS_MAX];
	unsigned jump_count;
};

/* What registers hold, where they hold one thing for long. R0 to R5 are for the moment. */
enum {
	MOMENT = BPF_REG_6,  /* as R0 to R5 */
	PACKET = BPF_REG_7,  /* first octet of the IP header; later: hash of the place */
	END = BPF_REG_8,     /* behind the last octet that can be read; later: the place's port */
	KIND = BPF_REG_9,    /* of the destination, in bits: LOCALWALL_BIT_LOOPBACK, LOCALWALL_BIT_OTHERS, TO_ITSELF */
	FRAME = BPF_REG_10,
};

/* From a port to the same: what localwall_stands sends to itself is refused, but it is no incident. */
#define TO_ITSELF 8

/*
 * In the frame: the device that the packet leaves by; the place that is searched for, by words, and its third word for all
 * addresses of the family.
 */
#define DEVICE (-8)
#define FAMILY (-4)
#define PLACE_WORD(n) (DEVICE - (int)sizeof(struct localwall_place) + 4 * (n))
#define PLACE_PORT PLACE_WORD(4)

static void emit(struct assembler *a, uint8_t code, uint8_t dst, uint8_t src, int off, int32_t imm)
{
	assert(a->count < INSNS_MAX);
	a->insns[a->count++] = (struct bpf_insn){
		.code = code, .dst_reg = dst & 0xfu, .src_reg = src & 0xfu, .off = (int16_t)off, .imm = imm
	};
}

static void label(struct assembler *a, enum label name)
{
	a->places[name] = a->count;
}

static void jump_to(struct assembler *a, enum label to)
{
	assert(a->jump_count < JUMPS_MAX);
	a->jumps[a->jump_count].insn = a->count;
	a->jumps[a->jump_count++].to = to;
}

static void jump(struct assembler *a, enum label to)
{
	jump_to(a, to);
	emit(a, BPF_JMP | BPF_JA, 0, 0, 0, 0);
}

/* op: BPF_JEQ ... */
static void jump_if(struct assembler *a, uint8_t op, uint8_t reg, int32_t value, enum label to)
{
	jump_to(a, to);
	emit(a, BPF_JMP | op | BPF_K, reg, 0, 0, value);
}

static void jump_if_reg(struct assembler *a, uint8_t op, uint8_t reg, uint8_t other, enum label to)
{
	jump_to(a, to);
	emit(a, BPF_JMP | op | BPF_X, reg, other, 0, 0);
}

static void move(struct assembler *a, uint8_t dst, uint8_t src)
{
	emit(a, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void set(struct assembler *a, uint8_t dst, int32_t value)
{
	emit(a, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}

/* op: BPF_ADD ...; 64 bits */
static void math(struct assembler *a, uint8_t op, uint8_t dst, int32_t value)
{
	emit(a, BPF_ALU64 | op | BPF_K, dst, 0, 0, value);
}

static void math_reg(struct assembler *a, uint8_t op, uint8_t dst, uint8_t src)
{
	emit(a, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

/* size: BPF_B, BPF_H, BPF_W */
static void load(struct assembler *a, uint8_t size, uint8_t dst, uint8_t base, int off)
{
	emit(a, BPF_LDX | size | BPF_MEM, dst, base, off, 0);
}

static void store(struct assembler *a, uint8_t base, int off, uint8_t src)
{
	emit(a, BPF_STX | BPF_W | BPF_MEM, base, src, off, 0);
}

static void store_value(struct assembler *a, uint8_t base, int off, int32_t value)
{
	emit(a, BPF_ST | BPF_W | BPF_MEM, base, 0, off, value);
}

/* dst: address of the table in the kernel. */
static void table_address(struct assembler *a, uint8_t dst, int map_fd)
{
	emit(a, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_VALUE, 0, map_fd);
	emit(a, 0, 0, 0, 0, 0); /* upper half: where in it */
}

/* Fail closed where so many octets cannot be read. */
static void needs(struct assembler *a, int octets)
{
	move(a, BPF_REG_1, PACKET);
	math(a, BPF_ADD, BPF_REG_1, octets);
	jump_if_reg(a, BPF_JGT, BPF_REG_1, END, LABEL_REFUSE);
}

#define IPV4_SIZE 20
#define IPV6_SIZE 40

/* To LABEL_TRANSPORT with R2 the protocol, R3 the header behind, and R4 0 for an address of loopback alone. */
static void read_ipv4(struct assembler *a)
{
	label(a, LABEL_IPV4);
	/* Without options: they can name another way than the destination (RFC 791 3.1, source routes). */
	jump_if(a, BPF_JNE, BPF_REG_0, 0x45, LABEL_REFUSE);
	load(a, BPF_B, BPF_REG_1, PACKET, 16);
	/* Multicast, the broadcast and what is reserved: copies come back to this host's wildcard listeners. */
	jump_if(a, BPF_JGE, BPF_REG_1, 224, LABEL_REFUSE);
	move(a, BPF_REG_4, BPF_REG_1);
	math(a, BPF_XOR, BPF_REG_4, 127);
	store_value(a, FRAME, PLACE_WORD(0), 0);
	store_value(a, FRAME, PLACE_WORD(1), 0);
	store_value(a, FRAME, PLACE_WORD(2), (int32_t)htonl(0xffff));
	store_value(a, FRAME, FAMILY, (int32_t)htonl(0xffff));
	load(a, BPF_W, BPF_REG_1, PACKET, 16);
	store(a, FRAME, PLACE_WORD(3), BPF_REG_1);
	load(a, BPF_B, BPF_REG_2, PACKET, 9);
	move(a, BPF_REG_3, PACKET);
	math(a, BPF_ADD, BPF_REG_3, IPV4_SIZE);
	jump(a, LABEL_TRANSPORT);
}

static void read_ipv6(struct assembler *a)
{
	label(a, LABEL_IPV6);
	needs(a, IPV6_SIZE);
	load(a, BPF_B, BPF_REG_1, PACKET, 24);
	jump_if(a, BPF_JEQ, BPF_REG_1, 0xff, LABEL_REFUSE); /* multicast */
	set(a, BPF_REG_4, 0);
	for (int word = 0; word < 4; word++) {
		load(a, BPF_W, BPF_REG_1, PACKET, 24 + 4 * word);
		store(a, FRAME, PLACE_WORD(word), BPF_REG_1);
		if (word == 3) { /* ::1 */
			emit(a, BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_1, 0, 0, 32);
			math(a, BPF_XOR, BPF_REG_1, 1);
		}
		math_reg(a, BPF_OR, BPF_REG_4, BPF_REG_1);
	}
	store_value(a, FRAME, FAMILY, 0);
	load(a, BPF_B, BPF_REG_2, PACKET, 6);
	move(a, BPF_REG_3, PACKET);
	math(a, BPF_ADD, BPF_REG_3, IPV6_SIZE);
}

/* dst: 1 where it was 0, else 0; it has 32 bits. */
static void is_zero(struct assembler *a, uint8_t dst)
{
	math(a, BPF_SUB, dst, 1);
	math(a, BPF_RSH, dst, 63);
}

static_assert(LOCALWALL_BIT_OTHERS >> 1 == LOCALWALL_BIT_LOOPBACK, "shifted by whether it is of loopback");

/*
 * The kind, the port, and the hash of the place. IPsec hides ports; it begins behind the routing decision, so what goes to
 * this host is seen all the same. Every other protocol is refused, among them IPv6's headers of extension.
 */
static void read_transport(struct assembler *a)
{
	label(a, LABEL_TRANSPORT);
	is_zero(a, BPF_REG_4);
	set(a, KIND, LOCALWALL_BIT_OTHERS);
	math_reg(a, BPF_RSH, KIND, BPF_REG_4);
	jump_if(a, BPF_JEQ, BPF_REG_2, IPPROTO_UDP, LABEL_PORTS);
	jump_if(a, BPF_JEQ, BPF_REG_2, IPPROTO_TCP, LABEL_PORTS);
	set(a, BPF_REG_1, 0);
	jump_if(a, BPF_JEQ, BPF_REG_2, IPPROTO_ESP, LABEL_SEARCH);
	jump_if(a, BPF_JEQ, BPF_REG_2, IPPROTO_AH, LABEL_SEARCH);
	jump(a, LABEL_REFUSE);

	label(a, LABEL_PORTS);
	move(a, BPF_REG_1, BPF_REG_3);
	math(a, BPF_ADD, BPF_REG_1, 4);
	jump_if_reg(a, BPF_JGT, BPF_REG_1, END, LABEL_REFUSE);
	load(a, BPF_H, BPF_REG_1, BPF_REG_3, 2);
	load(a, BPF_H, BPF_REG_2, BPF_REG_3, 0);
	math_reg(a, BPF_XOR, BPF_REG_2, BPF_REG_1);
	is_zero(a, BPF_REG_2);
	math(a, BPF_MUL, BPF_REG_2, TO_ITSELF);
	math_reg(a, BPF_OR, KIND, BPF_REG_2);

	label(a, LABEL_SEARCH);
	math(a, BPF_OR, BPF_REG_1, (int32_t)LOCALWALL_USED);
	store(a, FRAME, PLACE_PORT, BPF_REG_1);
	move(a, END, BPF_REG_1); /* the packet was read */
}

/*
 * Search the place in the frame: to first + FOUND with R5 the bits of its slot, or on behind this. A loop of
 * LOCALWALL_PROBES steps, which the kernel walks through when it verifies the program.
 */
static void search(struct assembler *a, int map_fd, enum label first)
{
	const int slots = offsetof(struct localwall_table, banks[0].slots);

	move(a, PACKET, END);
	for (int word = 0; word < 4; word++) {
		load(a, BPF_W, BPF_REG_1, FRAME, PLACE_WORD(word));
		math_reg(a, BPF_XOR, PACKET, BPF_REG_1);
	}
	emit(a, BPF_ALU | BPF_MUL | BPF_K, PACKET, 0, 0, (int32_t)LOCALWALL_HASH);
	emit(a, BPF_ALU | BPF_RSH | BPF_K, PACKET, 0, 0, LOCALWALL_HASH_SHIFT);

	/* R0: the bank in force, R3: its mask, R4: steps gone */
	table_address(a, BPF_REG_0, map_fd);
	load(a, BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct localwall_table, bank));
	math(a, BPF_AND, BPF_REG_1, 1);
	math(a, BPF_MUL, BPF_REG_1, sizeof(struct localwall_bank));
	math_reg(a, BPF_ADD, BPF_REG_0, BPF_REG_1);
	load(a, BPF_W, BPF_REG_3, BPF_REG_0, offsetof(struct localwall_table, banks[0].mask));
	set(a, BPF_REG_4, 0);

	label(a, first + PROBE);
	move(a, BPF_REG_1, PACKET);
	math_reg(a, BPF_ADD, BPF_REG_1, BPF_REG_4);
	math_reg(a, BPF_AND, BPF_REG_1, BPF_REG_3);
	math(a, BPF_AND, BPF_REG_1, LOCALWALL_SLOTS - 1); /* so that the kernel sees that it is inside */
	math(a, BPF_MUL, BPF_REG_1, sizeof(struct localwall_slot));
	move(a, BPF_REG_2, BPF_REG_0);
	math_reg(a, BPF_ADD, BPF_REG_2, BPF_REG_1);
	load(a, BPF_W, BPF_REG_1, BPF_REG_2, slots + (int)offsetof(struct localwall_slot, place.port));
	jump_if(a, BPF_JEQ, BPF_REG_1, 0, first + MISSED);
	math_reg(a, BPF_XOR, BPF_REG_1, END);
	for (int word = 0; word < 4; word++) { /* R1: bits that differ in any word */
		load(a, BPF_W, BPF_REG_5, BPF_REG_2, slots + 4 * word);
		load(a, BPF_W, MOMENT, FRAME, PLACE_WORD(word));
		math_reg(a, BPF_XOR, BPF_REG_5, MOMENT);
		math_reg(a, BPF_OR, BPF_REG_1, BPF_REG_5);
	}
	load(a, BPF_W, BPF_REG_5, BPF_REG_2, slots + (int)offsetof(struct localwall_slot, bits));
	jump_if(a, BPF_JEQ, BPF_REG_1, 0, first + FOUND);
	math(a, BPF_ADD, BPF_REG_4, 1);
	jump_if(a, BPF_JLT, BPF_REG_4, LOCALWALL_PROBES, first + PROBE);
	label(a, first + MISSED);
}

static void resolve_jumps(struct assembler *a)
{
	for (unsigned i = 0; i < a->jump_count; i++) {
		a->insns[a->jumps[i].insn].off = (int16_t)((int)a->places[a->jumps[i].to] - (int)a->jumps[i].insn - 1);
	}
}

static void assemble(struct assembler *a, int map_fd)
{
	memset(a, 0, sizeof(*a));
	set(a, KIND, 0);
	load(a, BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, ifindex));
	store(a, FRAME, DEVICE, BPF_REG_2);
	load(a, BPF_W, PACKET, BPF_REG_1, offsetof(struct __sk_buff, data));
	load(a, BPF_W, END, BPF_REG_1, offsetof(struct __sk_buff, data_end));
	needs(a, IPV4_SIZE);
	load(a, BPF_B, BPF_REG_0, PACKET, 0);
	move(a, BPF_REG_1, BPF_REG_0);
	math(a, BPF_RSH, BPF_REG_1, 4);
	jump_if(a, BPF_JEQ, BPF_REG_1, 4, LABEL_IPV4);
	jump_if(a, BPF_JEQ, BPF_REG_1, 6, LABEL_IPV6);
	jump(a, LABEL_REFUSE);
	read_ipv4(a);
	read_ipv6(a);
	read_transport(a);

	search(a, map_fd, LABEL_SEARCH_ONE);
	/* Not listed, and leaves the host: nearly all packets end here. */
	load(a, BPF_W, BPF_REG_1, FRAME, DEVICE);
	jump_if(a, BPF_JNE, BPF_REG_1, LOOPBACK_DEVICE, LABEL_ALLOW);

	/* The same port of all addresses: 0.0.0.0 stands as ::ffff:0.0.0.0. */
	load(a, BPF_W, BPF_REG_1, FRAME, FAMILY);
	store_value(a, FRAME, PLACE_WORD(0), 0);
	store_value(a, FRAME, PLACE_WORD(1), 0);
	store(a, FRAME, PLACE_WORD(2), BPF_REG_1);
	store_value(a, FRAME, PLACE_WORD(3), 0);
	search(a, map_fd, LABEL_SEARCH_ALL);
	jump(a, LABEL_REFUSE);

	label(a, LABEL_SEARCH_ONE + FOUND);
	jump_if(a, BPF_JEQ, BPF_REG_5, LOCALWALL_BIT_REFUSE, LABEL_REFUSE);
	jump(a, LABEL_ALLOW);
	label(a, LABEL_SEARCH_ALL + FOUND);
	math_reg(a, BPF_AND, BPF_REG_5, KIND);
	jump_if(a, BPF_JEQ, BPF_REG_5, 0, LABEL_REFUSE);

	label(a, LABEL_ALLOW);
	set(a, BPF_REG_0, 1);
	emit(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	label(a, LABEL_REFUSE);
	jump_if(a, BPF_JGE, KIND, TO_ITSELF, LABEL_DROP);
	table_address(a, BPF_REG_1, map_fd);
	set(a, BPF_REG_2, 1);
	emit(a, BPF_STX | BPF_DW | BPF_XADD, BPF_REG_1, BPF_REG_2, offsetof(struct localwall_table, refused), 0);
	label(a, LABEL_DROP);
	set(a, BPF_REG_0, 0);
	emit(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	resolve_jumps(a);
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

int localwall_program(int map_fd)
{
	struct assembler a;
	union bpf_attr attr;

	assemble(&a, map_fd);
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_SKB;
	attr.expected_attach_type = BPF_CGROUP_INET_EGRESS;
	attr.insns = pointer(a.insns);
	attr.insn_cnt = a.count;
	attr.license = pointer("BSD"); /* it calls nothing that asks for more */
	memcpy(attr.prog_name, "bulkhead_local", sizeof("bulkhead_local"));
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}
