/* SPDX-License-Identifier: ISC */
/* master/folders.c - users, and the folders that services find as their roots. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common_conf.h"
#include "log.h"
#include "make_path.h"
#include "master.h"
#include "srs_file.h"

static int
named_ids(struct master *m, const char *name, uint32_t *uid, uint32_t *gid)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL) {
		conf_add_error(&m->conf, "users", 0, "there is no user \"%s\"", name);
		log_error("there is no user \"%s\"", name);
		return ERR_NOT_FOUND;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return ERR_OK;
}

int
user_ids(struct master *m, const struct service_row *row, uint32_t *uid, uint32_t *gid)
{
	const struct common_conf *common = conf_values(&m->conf, "");

	if (row->user == USER_ROOT) {
		*uid = *gid = 0;
		return ERR_OK;
	}
	return named_ids(m, *(const char *const *)((const uint8_t *)common + row->user), uid, gid);
}

int
mail_ids(struct master *m, uint32_t *uid, uint32_t *gid)
{
	const struct common_conf *common = conf_values(&m->conf, "");

	return named_ids(m, common->mail_user, uid, gid);
}

/* A root folder of a service: made if missing; owner and mode put right. */
static int
make_root(struct master *m, const struct service_row *row, const char *path)
{
	/* others may pass through the mail root to their own mailbox, and see nothing else */
	static const mode_t modes[ROOT_COUNT] = {
		[ROOT_EMPTY] = 0555, [ROOT_MAIL] = 0711, [ROOT_OUTBOUND] = 0755
	};
	const mode_t mode = modes[row->root] != 0 ? modes[row->root] : 0700;
	const bool is_ours = row->root == ROOT_EMPTY || row->root == ROOT_OUTBOUND;
	uint32_t uid = 0, gid = 0;
	int r = make_path(path);

	if (r == ERR_OK && m->privileged && !is_ours) {
		r = row->root == ROOT_MAIL ? mail_ids(m, &uid, &gid) : user_ids(m, row, &uid, &gid);
		if (r == ERR_OK && chown(path, uid, gid) != 0)
			r = err_from_errno(errno);
	}
	if (r == ERR_OK && chmod(path, mode) != 0)
		r = err_from_errno(errno);
	if (r < 0)
		log_error("%s: %m", path);
	return r;
}

/* What directory signs the reverse-paths of forwarded mail with: made once. */
static int
make_srs_secret(struct master *m)
{
	struct buf path = BUF_INIT;
	int r;

	service_root_path(service_row(SERVICE_DIRECTORY), &m->conf, &path);
	buf_put_str(&path, "/" SRS_FILE_NAME);
	r = srs_file_make(buf_str(&path));
	if (r < 0)
		log_error("%s: %s", buf_str(&path), err_text(r));
	buf_free(&path);
	return r;
}

int
folders_make(struct master *m)
{
	const struct common_conf *common = conf_values(&m->conf, "");
	int r = make_path(common->run);

	if (r < 0)
		log_error("%s: %m", common->run);
	for (size_t i = 0; r == ERR_OK && i < nservices; i++) {
		struct buf path = BUF_INIT;

		service_root_path(&services[i], &m->conf, &path);
		r = make_root(m, &services[i], buf_str(&path));
		buf_free(&path);
	}
	return r == ERR_OK ? make_srs_secret(m) : r;
}
