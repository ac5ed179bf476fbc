/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/fake_disk.c - what is on disk: mail that was delivered, files of the queue. */
#include <dirent.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"

int64_t
fake_delivered(struct fake *f, uint64_t id, uint32_t rcpt, const char *account, struct buf *content)
{
	char name[512], text[QUEUE_ID_TEXT_SIZE];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%s.%u.%s", queue_id_text(id, text), rcpt, account);
	fd = openat(f->mail_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	assert_int_equal(fstat(fd, &st), 0);
	if (content != NULL) {
		buf_clear(content);
		assert_int_equal(
			read(fd, buf_room(content, (size_t)st.st_size + 1), (size_t)st.st_size),
			st.st_size);
		buf_added(content, (size_t)st.st_size);
	}
	close(fd);
	return st.st_size;
}

/* The reports that account got, one behind the other in text; how many. */
unsigned
fake_got(struct fake *f, const char *account, struct buf *text)
{
	char path[256];
	unsigned n = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/mail", f->path);
	dir = opendir(path);
	assert_non_null(dir);
	buf_clear(text);
	while ((e = readdir(dir)) != NULL) {
		const char *name = strstr(e->d_name, ".0.");
		ssize_t got;
		int fd;

		if (name == NULL || strcmp(name + 3, account) != 0)
			continue;
		fd = openat(f->mail_fd, e->d_name, O_RDONLY | O_CLOEXEC);
		got = read(fd, buf_room(text, 8192), 8192);
		assert_true(got > 0);
		buf_added(text, (size_t)got);
		close(fd);
		n++;
	}
	closedir(dir);
	buf_put_u8(text, 0);
	return n;
}

unsigned
fake_files(struct fake *f, const char *folder)
{
	char path[256];
	unsigned n = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", f->path, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			n++;
	closedir(dir);
	return n;
}

unsigned
fake_message_files(struct fake *f)
{
	char folder[64];
	unsigned n = 0;

	for (unsigned i = 0; i < FILES_FOLDERS; i++) {
		snprintf(folder, sizeof(folder), "queue/message/%02x", i);
		n += fake_files(f, folder);
	}
	return n;
}

/* ---- a slow one ---- */

static sem_t disk;

/* Not for ever: a test that fails does not free it. */
static void
wait_for_disk(struct worker_job *job)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	sem_timedwait(&disk, &end);
}

static void
disk_was_there(struct worker_job *job)
{
}

void
fake_disk_stands(struct fake *f)
{
	static struct worker_job slow = { .work = wait_for_disk, .done = disk_was_there };

	assert_int_equal(sem_init(&disk, 0, 0), 0);
	worker_submit(f->q->filer, &slow);
}

void
fake_disk_goes_on(void)
{
	assert_int_equal(sem_post(&disk), 0);
}
