/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/util/count.h"
#include "tests/unit/common/zone/zone_text.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

static int memfd_of(const uint8_t *bytes, size_t len, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

Test(image_open, maps_a_sealed_image)
{
	struct zone *z = zone_of("example.", ZONE_HEAD);
	char why[128] = "";
	struct image *image = NULL;
	int fd = memfd_of(z->block, z->size, ALL_SEALS | F_SEAL_SEAL);
	cr_assert_eq(image_open(fd, &image, why, sizeof(why)), BH_OK, "%s", why);
	close(fd); /* not needed any more */
	cr_assert_eq(image->header->serial, 7u);
	cr_assert(dname_equal(image->apex, name_of("example.").wire));
	image_close(image);
	zone_free(z);
}

Test(image_open, refuses_each_missing_seal)
{
	struct zone *z = zone_of("example.", ZONE_HEAD);
	static const int seals[] = {
		0, F_SEAL_WRITE | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_SHRINK, F_SEAL_GROW | F_SEAL_SHRINK,
		F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK,
	};
	for (size_t i = 0; i < COUNT(seals); i++) {
		char why[128] = "";
		struct image *image = NULL;
		int fd = memfd_of(z->block, z->size, seals[i]);
		cr_assert_eq(image_open(fd, &image, why, sizeof(why)), BH_EPERM, "case %zu", i);
		cr_assert_null(image);
		cr_assert_neq(why[0], '\0');
		close(fd);
	}
	zone_free(z);
}

Test(image_open, refuses_what_is_no_image)
{
	struct zone *z = zone_of("example.", ZONE_HEAD);
	char why[128] = "";
	struct image *image = NULL;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(image_open(fd, &image, why, sizeof(why)), BH_EPERM);
	close(fd);
	static const size_t cuts[] = { 0, 1, 127, 128 };
	for (size_t i = 0; i < COUNT(cuts); i++) {
		fd = memfd_of(z->block, cuts[i], ALL_SEALS);
		cr_assert_lt(image_open(fd, &image, why, sizeof(why)), 0);
		close(fd);
	}
	z->block[z->size - 1] ^= 1;
	fd = memfd_of(z->block, z->size, ALL_SEALS);
	cr_assert_eq(image_open(fd, &image, why, sizeof(why)), BH_EMALFORMED);
	cr_assert_str_eq(why, "checksum differs");
	close(fd);
	cr_assert_null(image);
	zone_free(z);
}
