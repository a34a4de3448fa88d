/*
 * The main of a fuzz target when there is no fuzzer: runs it over a corpus, so that `make check`
 * tries every input that is checked in, with any compiler.
 *
 *   fuzz_NAME [DIRECTORY...]
 *
 * Without arguments the directory is $srcdir/tests/fuzz/corpus/NAME. Each file is given to the target as
 * it is, cut at every length, and with bits flipped one by one, the same ones in every run. Inputs
 * lie in heap blocks of their exact size, so the sanitizers see one octet too much.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE 4096
#define FILE_MAX_SIZE (1024 * 1024)
/* Cuts and flips of one file: all of them for small files, evenly spread ones for larger. */
#define CUTS_MAX 2048
#define FLIPS_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

struct totals {
	unsigned long files;
	unsigned long inputs;
};

static void *must_alloc(size_t size)
{
	void *p = malloc(size == 0 ? 1 : size);
	if (p == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return p;
}

/* One run on a copy of exactly size octets; `flip` inverts that bit, -1 none. */
static void run(const uint8_t *data, size_t size, long flip, struct totals *totals)
{
	uint8_t *copy = must_alloc(size);
	memcpy(copy, data, size);
	if (flip >= 0) {
		copy[flip / 8] = (uint8_t)(copy[flip / 8] ^ 1u << (flip % 8));
	}
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	totals->inputs++;
}

static void run_variants(const uint8_t *data, size_t size, struct totals *totals)
{
	run(data, size, -1, totals);
	size_t step = size / CUTS_MAX + 1;
	for (size_t len = 0; len < size; len += step) {
		run(data, len, -1, totals);
	}
	/* An odd step visits every bit position of the octets in turn. */
	long bits = (long)size * 8;
	long stride = (bits / FLIPS_MAX + 1) | 1;
	for (long bit = 0; bit < bits; bit += stride) {
		run(data, size, bit, totals);
	}
}

static int run_file(const char *path, struct totals *totals)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	uint8_t *data = must_alloc(FILE_MAX_SIZE);
	size_t size = fread(data, 1, FILE_MAX_SIZE, file);
	int failed = ferror(file) || fgetc(file) != EOF;
	if (fclose(file) != 0 || failed) {
		fprintf(stderr, "%s: cannot be read, or larger than %d octets\n", path, FILE_MAX_SIZE);
		free(data);
		return 1;
	}
	run_variants(data, size, totals);
	totals->files++;
	free(data);
	return 0;
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int run_directory(const char *directory, struct totals *totals)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_file, alphasort);
	if (count < 0) {
		perror(directory);
		return 1;
	}
	int failed = 0;
	struct totals before = *totals;
	for (int i = 0; i < count; i++) {
		char path[PATH_SIZE];
		struct stat st;
		int len = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		if (len < 0 || (size_t)len >= sizeof(path) || stat(path, &st) != 0) {
			fprintf(stderr, "%s/%s: cannot be read\n", directory, entries[i]->d_name);
			failed = 1;
		} else if (S_ISREG(st.st_mode) && run_file(path, totals) != 0) {
			failed = 1;
		}
		free(entries[i]);
	}
	free(entries);
	if (totals->files == before.files) {
		fprintf(stderr, "%s: no inputs\n", directory);
		failed = 1;
	}
	return failed;
}

/* fuzz_NAME, with or without folders (and libtool's prefix) in front: NAME. */
static const char *target_name(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *base = slash == NULL ? program : slash + 1;
	const char *name = strstr(base, "fuzz_");
	return name == NULL ? base : name + strlen("fuzz_");
}

int main(int argc, char **argv)
{
	struct totals totals = { 0, 0 };
	int failed = 0;

	if (LLVMFuzzerInitialize != NULL) {
		LLVMFuzzerInitialize(&argc, &argv);
	}
	if (argc > 1) {
		for (int i = 1; i < argc; i++) {
			failed |= run_directory(argv[i], &totals);
		}
	} else {
		const char *srcdir = getenv("srcdir");
		char directory[PATH_SIZE];
		snprintf(directory, sizeof(directory), "%s/tests/fuzz/corpus/%s", srcdir == NULL ? "." : srcdir,
			 target_name(argv[0]));
		failed = run_directory(directory, &totals);
	}
	printf("%s: %lu files, %lu inputs\n", target_name(argv[0]), totals.files, totals.inputs);
	return failed;
}
