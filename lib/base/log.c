/* SPDX-License-Identifier: ISC */
/*
 * lib/base/log.c - log lines in Postfix' familiar form.
 *
 * The sink is the one piece of process-wide state besides the fault plan: every file of a
 * daemon may log, and threading a handle through all of them would buy nothing.
 */
#include "log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"

#define LOG_LINE_MAX   4096
#define LOG_GATHER_MAX 32768

static struct {
	int fd;
	bool is_syslog;
	enum log_level lowest;
	int pid;
	char name[32], hostname[64];
	time_t stamp_time;
	char stamp[32];
	struct buf lines;
	pthread_mutex_t lock; /* hashing threads of directory log too */
} sink = {
	.fd = -1, .lowest = LOG_LEVEL_INFO, .name = "relais", .lock = PTHREAD_MUTEX_INITIALIZER
};

void
log_open(int fd, const char *name, const char *hostname, enum log_level lowest)
{
	size_t host = strcspn(hostname, ".");
	struct stat st;

	sink.fd = fd;
	sink.is_syslog = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	sink.lowest = lowest;
	sink.pid = (int)getpid();
	snprintf(sink.name, sizeof(sink.name), "relais/%s", name);
	snprintf(sink.hostname, sizeof(sink.hostname), "%.*s", (int)(host < 63 ? host : 63),
		hostname);
}

void
log_rename(const char *name)
{
	snprintf(sink.name, sizeof(sink.name), "relais/%s", name);
}

void
log_after_fork(void)
{
	sink.pid = (int)getpid();
	buf_clear(&sink.lines);
}

static void
flush_to_syslog(void)
{
	struct bytes rest = buf_bytes(&sink.lines);

	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n');

		/* a full or absent log must not stop mail */
		(void)!send(sink.fd, line.p, line.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	buf_clear(&sink.lines);
}

static void
flush_locked(void)
{
	struct bytes b = buf_bytes(&sink.lines);

	if (sink.is_syslog) {
		flush_to_syslog();
		return;
	}

	while (b.n > 0) {
		ssize_t n = write(sink.fd < 0 ? STDERR_FILENO : sink.fd, b.p, b.n);

		if (n <= 0)
			break; /* nobody to tell; a full disk must not stop mail */
		b = bytes_skip(b, (size_t)n);
	}
	buf_clear(&sink.lines);
}

static void
put_stamp(void)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm tm;

	if (now != sink.stamp_time) {
		localtime_r(&now, &tm);
		snprintf(sink.stamp, sizeof(sink.stamp), "%.3s %2d %02d:%02d:%02d",
			months + 3 * (tm.tm_mon % 12), tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
		sink.stamp_time = now;
	}
	/* the syslog protocol of /dev/log has no host: it is this one */
	if (sink.is_syslog)
		buf_printf(&sink.lines, "<22>%s ", sink.stamp);
	else
		buf_printf(&sink.lines, "%s %s ", sink.stamp,
			sink.hostname[0] ? sink.hostname : "localhost");
	buf_printf(&sink.lines, "%s[%d]: ", sink.name, sink.pid ? sink.pid : (int)getpid());
}

static void put_line(enum log_level level, const char *prefix, const char *format, va_list ap)
	PRINTF_LIKE(3, 0);

static void
put_line(enum log_level level, const char *prefix, const char *format, va_list ap)
{
	char text[LOG_LINE_MAX];
	int n;

	if (level < sink.lowest)
		return;
	n = vsnprintf(text, sizeof(text), format, ap);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	for (int i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	pthread_mutex_lock(&sink.lock);
	put_stamp();
	buf_put_str(&sink.lines, prefix);
	buf_put(&sink.lines, text, (size_t)n);
	buf_put_u8(&sink.lines, '\n');
	if (sink.lines.len >= LOG_GATHER_MAX || level >= LOG_LEVEL_WARNING || sink.fd < 0)
		flush_locked();
	pthread_mutex_unlock(&sink.lock);
}

#define LOG_FUNCTION(name, level, prefix)                                                          \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, format);                                                              \
		put_line(level, prefix, format, ap);                                               \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG, "debug: ")
LOG_FUNCTION(log_info, LOG_LEVEL_INFO, "")
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING, "warning: ")
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR, "error: ")

void
log_replace(int fd)
{
	pthread_mutex_lock(&sink.lock);
	flush_locked();
	if (sink.fd >= 0)
		(void)dup3(fd, sink.fd, O_CLOEXEC);
	pthread_mutex_unlock(&sink.lock);
	close(fd);
}

void
log_flush(void)
{
	pthread_mutex_lock(&sink.lock);
	flush_locked();
	pthread_mutex_unlock(&sink.lock);
}

void
log_last_words(void)
{
	if (pthread_mutex_trylock(&sink.lock) == 0) /* it may be us who holds it */
		flush_locked();
}

size_t
log_gathered(void)
{
	size_t n;

	pthread_mutex_lock(&sink.lock);
	n = sink.lines.len;
	pthread_mutex_unlock(&sink.lock);
	return n;
}
