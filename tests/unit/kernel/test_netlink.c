/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "support/fake_netlink.h"

#define TYPE_ROW 100

struct rows {
	char text[64]; /* a character a row */
	unsigned int resets;
	int stop_with;
};

static int take_row(const struct nlmsghdr *nlh, void *arg)
{
	struct rows *rows = arg;
	size_t n = strlen(rows->text);

	assert_int_equal(nlh->nlmsg_type, TYPE_ROW);
	rows->text[n] = *(const char *)mnl_nlmsg_get_payload(nlh);
	return rows->stop_with;
}

static void reset_rows(void *arg)
{
	struct rows *rows = arg;

	rows->resets++;
	memset(rows->text, 0, sizeof(rows->text));
}

static void row(struct fake_netlink *f, char c, uint16_t flags)
{
	fake_message(f, TYPE_ROW, (uint16_t)(NLM_F_MULTI | flags), FAKE_PORTID, 0, &c, 1);
}

static int request(struct fake_netlink *f, struct rows *rows, char *message)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nsg_nl nl;
	int r;

	fake_netlink_open(f, &nl);
	nlh->nlmsg_type = TYPE_ROW;
	r = nsg_nl_request(&nl, nlh, rows ? take_row : NULL, rows);
	if (message)
		strcpy(message, nl.message);
	nsg_nl_close(&nl);
	return r;
}

static int dump(struct fake_netlink *f, struct rows *rows)
{
	char buffer[64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nsg_nl nl;
	int r;

	fake_netlink_open(f, &nl);
	nlh->nlmsg_type = TYPE_ROW;
	r = nsg_nl_dump(&nl, nlh, take_row, reset_rows, rows);
	nsg_nl_close(&nl);
	return r;
}

static void request_asks_for_an_acknowledgement(void **state)
{
	struct fake_netlink f = {0};
	const struct nlmsghdr *sent = (const void *)f.sent;

	(void)state;
	fake_datagram(&f);
	fake_error(&f, 0, 0, NULL);
	assert_int_equal(request(&f, NULL, NULL), 0);
	assert_int_equal(sent->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_int_equal(f.n_sends, 1);
}

static void request_goes_on_after_eintr(void **state)
{
	struct fake_netlink f = {.send_errors = {EINTR, EINTR}};

	(void)state;
	fake_says_errno(&f, EINTR);
	fake_says_errno(&f, EINTR);
	fake_datagram(&f);
	fake_error(&f, 0, 0, NULL);
	assert_int_equal(request(&f, NULL, NULL), 0);
	assert_int_equal(f.n_sends, 3);
}

static void request_returns_the_kernels_error_and_words(void **state)
{
	struct fake_netlink f = {0};
	char message[160];

	(void)state;
	fake_datagram(&f);
	fake_error(&f, 0, -EEXIST, "it is there already");
	assert_int_equal(request(&f, NULL, message), -EEXIST);
	assert_string_equal(message, "it is there already");
}

static void request_skips_answers_to_others(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};

	(void)state;
	fake_datagram(&f);
	fake_error(&f, -1, -EPERM, "to an earlier request");
	fake_datagram(&f);
	fake_message(&f, TYPE_ROW, 0, FAKE_PORTID + 1, 0, "x", 1);
	fake_message(&f, TYPE_ROW, 0, FAKE_PORTID, 5, "y", 1);
	row(&f, 'a', 0);
	fake_error(&f, 0, 0, NULL);
	assert_int_equal(request(&f, &rows, NULL), 0);
	assert_string_equal(rows.text, "a");
}

static void request_that_is_not_answered_times_out(void **state)
{
	struct fake_netlink f = {0};

	(void)state;
	assert_int_equal(request(&f, NULL, NULL), -ETIMEDOUT);
}

static void request_whose_answer_was_lost_fails(void **state)
{
	struct fake_netlink f = {0};

	(void)state;
	fake_says_errno(&f, ENOBUFS);
	assert_int_equal(request(&f, NULL, NULL), -ENOBUFS);
}

static void request_that_was_sent_in_part_fails(void **state)
{
	struct fake_netlink f = {.send_short = 4};

	(void)state;
	assert_int_equal(request(&f, NULL, NULL), -EIO);
}

static void request_ends_with_what_the_callback_returns(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {.stop_with = -ENOMEM};

	(void)state;
	fake_datagram(&f);
	row(&f, 'a', 0);
	row(&f, 'b', 0);
	assert_int_equal(request(&f, &rows, NULL), -ENOMEM);
	assert_string_equal(rows.text, "a");
}

static void error_shorter_than_its_header_is_bad(void **state)
{
	struct fake_netlink f = {0};

	(void)state;
	fake_datagram(&f);
	fake_message(&f, NLMSG_ERROR, 0, FAKE_PORTID, 0, "xx", 2);
	assert_int_equal(request(&f, NULL, NULL), -EBADMSG);
}

static void words_beyond_the_message_are_not_read(void **state)
{
	struct fake_netlink f = {0};
	/* not capped: the message would follow 4,000 bytes of the request */
	struct nlmsgerr e = {.error = -EINVAL, .msg.nlmsg_len = 4000};
	char message[160];

	(void)state;
	fake_datagram(&f);
	fake_message(&f, NLMSG_ERROR, NLM_F_ACK_TLVS, FAKE_PORTID, 0, &e, sizeof(e));
	assert_int_equal(request(&f, NULL, message), -EINVAL);
	assert_string_equal(message, "");
}

static void truncated_message_is_not_read(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};

	(void)state;
	fake_datagram(&f);
	row(&f, 'a', 0);
	f.steps[0].size -= 8; /* the header says more than there is */
	fake_datagram(&f);
	fake_error(&f, 0, 0, NULL);
	assert_int_equal(request(&f, &rows, NULL), 0);
	assert_string_equal(rows.text, "");
}

static void dump_takes_all_datagrams(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};

	(void)state;
	fake_datagram(&f);
	row(&f, 'a', 0);
	row(&f, 'b', 0);
	fake_says_errno(&f, EINTR);
	fake_datagram(&f);
	row(&f, 'c', 0);
	fake_datagram(&f);
	fake_done(&f, 0, 0);
	assert_int_equal(dump(&f, &rows), 0);
	assert_string_equal(rows.text, "abc");
	assert_int_equal(rows.resets, 1);
}

static void dump_that_was_disturbed_begins_again(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};

	(void)state;
	fake_datagram(&f);
	row(&f, 'a', 0);
	row(&f, 'a', NLM_F_DUMP_INTR);
	fake_done(&f, 0, 0);
	fake_says_errno(&f, EAGAIN);
	fake_datagram(&f);
	row(&f, 'b', 0);
	fake_done(&f, 0, 0);
	assert_int_equal(dump(&f, &rows), 0);
	assert_string_equal(rows.text, "b");
	assert_int_equal(rows.resets, 2);
	assert_int_equal(f.n_sends, 2);
}

static void dump_disturbed_at_its_end_begins_again(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};

	(void)state;
	fake_datagram(&f);
	row(&f, 'a', 0);
	fake_done(&f, NLM_F_DUMP_INTR, 0);
	fake_says_errno(&f, EAGAIN);
	fake_datagram(&f);
	row(&f, 'b', 0);
	fake_done(&f, 0, 0);
	assert_int_equal(dump(&f, &rows), 0);
	assert_string_equal(rows.text, "b");
}

static void dump_that_lost_messages_begins_again(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};

	(void)state;
	fake_datagram(&f);
	row(&f, 'a', 0);
	fake_says_errno(&f, ENOBUFS);
	fake_datagram(&f);
	row(&f, 'z', 0); /* the rest of the first dump is thrown away */
	fake_says_errno(&f, EAGAIN);
	fake_datagram(&f);
	row(&f, 'b', 0);
	fake_done(&f, 0, 0);
	assert_int_equal(dump(&f, &rows), 0);
	assert_string_equal(rows.text, "b");
}

static void dump_gives_up_in_the_end(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};

	(void)state;
	for (int i = 0; i < NSG_NL_TRIES; i++) {
		fake_datagram(&f);
		fake_done(&f, NLM_F_DUMP_INTR, 0);
		fake_says_errno(&f, EAGAIN);
	}
	assert_int_equal(dump(&f, &rows), -EAGAIN);
	assert_int_equal(f.n_sends, NSG_NL_TRIES);
}

static void dump_ends_with_the_kernels_error(void **state)
{
	struct fake_netlink refused = {0}, broken = {0};
	struct rows rows = {""};

	(void)state;
	fake_datagram(&refused);
	fake_error(&refused, 0, -EPERM, NULL);
	assert_int_equal(dump(&refused, &rows), -EPERM);
	fake_datagram(&broken);
	row(&broken, 'a', 0);
	fake_done(&broken, 0, -ENOENT);
	assert_int_equal(dump(&broken, &rows), -ENOENT);
}

static struct nsg_nl_answer batch(struct fake_netlink *f, int ignore, char *message)
{
	struct nlmsghdr data[3] = {{.nlmsg_len = sizeof(data[0]), .nlmsg_seq = 10}};
	struct nsg_nl_answer answer;
	struct nsg_nl nl;

	fake_netlink_open(f, &nl);
	assert_int_equal(nsg_nl_batch(&nl, data, sizeof(data), 10, 12, ignore, &answer), 0);
	if (message)
		strcpy(message, nl.message);
	nsg_nl_close(&nl);
	return answer;
}

static void batch_is_acknowledged_by_its_last_message(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_nl_answer answer;

	(void)state;
	fake_datagram(&f);
	fake_error(&f, 2, 0, NULL);
	answer = batch(&f, 0, NULL);
	assert_true(answer.acked);
	assert_int_equal(answer.error, 0);
}

static void batch_tells_the_first_error_and_counts_all(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_nl_answer answer;
	char message[160];

	(void)state;
	fake_datagram(&f);
	fake_error(&f, 1, -ENOENT, "first");
	fake_error(&f, 2, -EINVAL, "second");
	fake_datagram(&f);
	fake_error(&f, 77, -EPERM, "to another batch");
	answer = batch(&f, 0, message);
	assert_false(answer.acked);
	assert_int_equal(answer.error, -ENOENT);
	assert_int_equal(answer.seq, 11);
	assert_int_equal(answer.n_errors, 2);
	assert_string_equal(message, "first");
}

static void batch_passes_over_errors_that_do_not_count(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_nl_answer answer;

	(void)state;
	fake_datagram(&f);
	fake_error(&f, 0, -ENOENT, NULL);
	fake_error(&f, 1, -ENOENT, NULL);
	answer = batch(&f, -ENOENT, NULL);
	assert_int_equal(answer.error, 0);
	assert_int_equal(answer.n_errors, 0);
}

static void drain_hands_over_what_is_left_after_a_loss(void **state)
{
	struct fake_netlink f = {0};
	struct rows rows = {""};
	struct nsg_nl nl;

	(void)state;
	fake_datagram(&f);
	row(&f, 'a', 0);
	fake_says_errno(&f, ENOBUFS);
	fake_datagram(&f);
	row(&f, 'b', 0);
	fake_netlink_open(&f, &nl);
	assert_int_equal(nsg_nl_drain(&nl, take_row, &rows), -ENOBUFS);
	assert_string_equal(rows.text, "ab");
	assert_int_equal(nsg_nl_drain(&nl, take_row, &rows), 0);
	nsg_nl_close(&nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(request_asks_for_an_acknowledgement),
	    cmocka_unit_test(request_goes_on_after_eintr),
	    cmocka_unit_test(request_returns_the_kernels_error_and_words),
	    cmocka_unit_test(request_skips_answers_to_others),
	    cmocka_unit_test(request_that_is_not_answered_times_out),
	    cmocka_unit_test(request_whose_answer_was_lost_fails),
	    cmocka_unit_test(request_that_was_sent_in_part_fails),
	    cmocka_unit_test(request_ends_with_what_the_callback_returns),
	    cmocka_unit_test(error_shorter_than_its_header_is_bad),
	    cmocka_unit_test(words_beyond_the_message_are_not_read),
	    cmocka_unit_test(truncated_message_is_not_read),
	    cmocka_unit_test(dump_takes_all_datagrams),
	    cmocka_unit_test(dump_that_was_disturbed_begins_again),
	    cmocka_unit_test(dump_disturbed_at_its_end_begins_again),
	    cmocka_unit_test(dump_that_lost_messages_begins_again),
	    cmocka_unit_test(dump_gives_up_in_the_end),
	    cmocka_unit_test(dump_ends_with_the_kernels_error),
	    cmocka_unit_test(batch_is_acknowledged_by_its_last_message),
	    cmocka_unit_test(batch_tells_the_first_error_and_counts_all),
	    cmocka_unit_test(batch_passes_over_errors_that_do_not_count),
	    cmocka_unit_test(drain_hands_over_what_is_left_after_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
