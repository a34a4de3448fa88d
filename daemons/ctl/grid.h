/*
 * Aligned columns on a terminal or in a pipe.
 *
 * Knows nothing of what it prints. Cells are made fit for a terminal when they enter: octets that are
 * not printable ASCII are written as \DDD, so nothing that another process sent can move the cursor,
 * change colours or start a line.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_DAEMONS_CTL_GRID_H
#define BULKHEAD_DAEMONS_CTL_GRID_H

#include "common/util/err.h"
#include "common/util/region.h"

#include <stdbool.h>
#include <stdio.h>

#define GRID_COLUMNS_MAX 64

enum tone { TONE_PLAIN = 0, TONE_TITLE, TONE_FAINT, TONE_GOOD, TONE_WARN, TONE_BAD };

struct grid_cell {
	const char *text;
	unsigned char tone; /* enum tone */
};

struct grid;

/* NULL: out of memory. Memory comes from the region, which must outlive the grid. */
struct grid *grid_new(struct region *region);

/* Returns the index of the new column, or a negative error. The title is shown in capitals. */
int grid_column(struct grid *grid, const char *title, bool right) BH_CHECKED;

/* A new last row, empty. bad: shown with a mark at the margin. */
int grid_row(struct grid *grid, bool bad) BH_CHECKED;

/* Set a cell of the last row. */
int grid_set(struct grid *grid, unsigned column, const char *text, enum tone tone) BH_CHECKED;

struct grid_look {
	bool colour;
	bool all;	/* also columns in which every cell is empty */
	bool untitled;	/* without the line of titles */
	unsigned width; /* lines are to end before; 0: they may be as long as they are */
	unsigned indent;
};

/*
 * Where lines are too wide, the widest texts are cut (what was cut ends with ".."), numbers never; a terminal that is narrower
 * than that needs gets lines that are too long.
 */
void grid_print(FILE *out, const struct grid *grid, const struct grid_look *look);

/* text with everything that is not printable ASCII as \DDD, in the region; NULL: out of memory. */
const char *text_printable(struct region *region, const char *text);

/* A word in its tone. text must be printable. */
void tone_print(FILE *out, bool colour, enum tone tone, const char *text);

#endif
