/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/replay.c - runs a fuzz target over files and folders of files: without
 * libFuzzer the corpus is an ordinary test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	struct stat st;
	size_t n;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		if (f != NULL)
			fclose(f);
		return 1;
	}
	/* exactly as large as the input, so that a read past its end is seen */
	data = malloc((size_t)st.st_size);
	n = data == NULL ? 0 : fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

static int
run_folder(const char *path)
{
	char name[4096];
	struct dirent *e;
	DIR *dir = opendir(path);
	int failed = 0, files = 0;

	if (dir == NULL) {
		perror(path);
		return 1;
	}
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		failed |= run_file(name);
		files++;
	}
	closedir(dir);
	printf("%s: %d inputs\n", path, files);
	return failed != 0 || files == 0;
}

int
main(int argc, char *argv[])
{
	struct stat st;
	int failed = argc < 2;

	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
			failed |= run_folder(argv[i]);
		else
			failed |= run_file(argv[i]);
	}
	return failed;
}
