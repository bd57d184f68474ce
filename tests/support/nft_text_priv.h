/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the renderer of rules needs of the table being rendered. */
#ifndef NSG_TESTS_SUPPORT_NFT_TEXT_PRIV_H
#define NSG_TESTS_SUPPORT_NFT_TEXT_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <libnftnl/rule.h>

/* One object of the table, with its elements or rules. */
struct nft_text_block {
	char kind[16], name[64];
	uint32_t key_type, data_type; /* a set's */
	bool intervals;
	FILE *body;
	char *text;
	size_t size, n_elements;
};

struct nft_text_table {
	char name[64];
	bool owned;
	struct nft_text_block blocks[96];
	size_t n;
};

/* The object of that name and one of the kinds. Aborts when there is none. */
struct nft_text_block *nft_text_find(struct nft_text_table *t, const char *name, const char *kinds);
/* NULL: by number */
const char *nft_text_protocol(uint8_t protocol);

/* A rule without its chain; malloc'ed. */
char *nft_text_rule(struct nft_text_table *t, struct nftnl_rule *rule);

#endif
