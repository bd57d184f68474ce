/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of a flow log: {"records":[RECORD,...]}, an hour each. */
#ifndef NSG_OBSERVE_FLOW_FILE_H
#define NSG_OBSERVE_FLOW_FILE_H

/*
 * Appends a record to DIRECTORY/PATH, and makes the folders between them and the file where there are
 * none. A reader sees the file without the record or with all of it: a copy takes the place of the
 * file. On failure, such as a full disk, the file is as it was. -EBADMSG: another program has changed
 * the end of the file. -errno, -ENOMEM. In any thread, one at a time for a file.
 */
int nsg_flow_file_append(const char *directory, const char *path, const char *record);

#endif
