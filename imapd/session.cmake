# SPDX-License-Identifier: ISC
# The session half: the commands, and the process around them.
relais_library(imapd_session
    SOURCES
        cmd_append.c cmd_copy.c cmd_expunge.c cmd_fetch.c cmd_folder.c cmd_idle.c cmd_list.c
        cmd_quota.c cmd_search.c cmd_select.c cmd_small.c cmd_store.c commands.c fetch_section.c
        message_set.c search_eval.c search_plan.c session.c session_main.c session_sync.c
    DEPS store ipc conf proto base)
