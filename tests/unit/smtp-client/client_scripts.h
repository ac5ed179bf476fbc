/* SPDX-License-Identifier: ISC */
/* tests/unit/smtp-client/client_scripts.h - the rows of test_client_session.c. */

/* --- as it should be -------------------------------------------------------------- */
{ "one message, pipelined, then idle", 0, 1,
	TO_BODY "S:250 2.0.0 Ok: queued as X\n"
		"R:REACHED\nr:SENT - 2.0.0 250 2.0.0 Ok: queued as X\nW:JOB\n"
		"!quit\nC:QUIT\nS:221 bye\nW:CLOSE\n" },
	{ "without PIPELINING, one by one", 0, 2,
		HELLO
		"S:250 HELP\nC:MAIL FROM:<a@relais.test>\nS:250 ok\nC:RCPT TO:<r1@mx.example>\n"
		"S:250 ok\nC:RCPT TO:<r2@mx.example>\nS:251 will forward\nC:DATA\nS:354 go\n" BODY
		"S:250 done\nR:REACHED\nr:SENT - 2.0.0 250 done\nr:SENT - 2.0.0 250 "
		"done\nW:JOB\n" },
	{ "PIPELINING is offered, but not wanted", NO_PIPELINING, 1,
		PLAIN_HELLO "C:MAIL FROM:<a@relais.test>\nS:250 ok\nC:RCPT TO:<r1@mx.example>\n"
			    "S:250 ok\nC:DATA\nS:354 go\n" BODY "S:250 done\nR:REACHED\n"
			    "r:SENT - 2.0.0 250 done\nW:JOB\n" },
	{ "content in chunks", CHUNKS, 1,
		TO_BODY "S:250 2.0.0 Ok\nR:REACHED\nr:SENT - 2.0.0 250 2.0.0 Ok\nW:JOB\n" },
	{ "the last line has no end", NO_FINAL_CRLF, 1,
		PLAIN_HELLO GROUP1 OK3 "C:Received: by relais.test\nC:Subject: x\nC:\nC:..\nC:.\n"
				       "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "null reverse-path", NULL_PATH, 1,
		PLAIN_HELLO "C:MAIL FROM:<>\nC:RCPT TO:<r1@mx.example>\nC:DATA\n" OK3 BODY
			    "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "two jobs on a connection", 0, 1,
		TO_BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nW:JOB\n!job\n" GROUP1 OK3 BODY
		"S:250 two\nR:REACHED\nr:SENT - 2.0.0 250 two\nW:JOB\n" },
	{ "as many transactions as are allowed", ONE_TRANSACTION, 1,
		TO_BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nC:QUIT\nS:221 bye\nW:CLOSE\n" },
	{ "QUIT that nobody answers", ONE_TRANSACTION, 1,
		TO_BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nC:QUIT\n!timeout\nW:CLOSE\n" },
	{ "long greeting and final reply", 0, 1,
		"S:220-mx.example\nS:220-no spam\nS:220 ESMTP\nC:EHLO relais.test\n"
		"S:250-mx.example\nS:250 PIPELINING\n" GROUP1 OK3 BODY
		"S:250-2.0.0 Ok\nS:250 2.0.0 queued\nR:REACHED\nr:SENT - 2.0.0 250-2.0.0 Ok 250 "
		"2.0.0 "
		"queued\nW:JOB\n" },
	{ "a code without text", 0, 1,
		"S:220\nC:EHLO relais.test\nS:250\nC:MAIL FROM:<a@relais.test>\nS:250\n"
		"C:RCPT TO:<r1@mx.example>\nS:250\nC:DATA\nS:354\n" BODY
		"S:250\nR:REACHED\nr:SENT - 2.0.0 250\nW:JOB\n" },

	/* --- extensions ------------------------------------------------------------------- */
	{ "SIZE, 8BITMIME said of plain content only if needed", 0, 1,
		HELLO
		"S:250-PIPELINING\nS:250-8BITMIME\nS:250 SIZE 1000\n"
		"C:MAIL FROM:<a@relais.test> SIZE=73\nC:RCPT TO:<r1@mx.example>\nC:DATA\n" OK3 BODY
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "a size of 0 is no limit", 0, 1,
		HELLO
		"S:250-PIPELINING\nS:250 SIZE 0\n"
		"C:MAIL FROM:<a@relais.test> SIZE=73\nC:RCPT TO:<r1@mx.example>\nC:DATA\n" OK3 BODY
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "too big for this server", 0, 1,
		HELLO "S:250-PIPELINING\nS:250 SIZE 72\nR:REACHED\n"
		      "r:PERMANENT message 5.3.4 message size 73 exceeds size limit 72 of server "
		      "mx.example[192.0.2.1]\nW:JOB\n" },
	{ "8-bit content, 8BITMIME", EIGHT_BIT, 1,
		HELLO
		"S:250-PIPELINING\nS:250 8bitmime\n"
		"C:MAIL FROM:<a@relais.test> BODY=8BITMIME\nC:RCPT TO:<r1@mx.example>\nC:DATA\n" OK3
		"C:Received: by relais.test\nC:From: a@relais.test\nC:MIME-Version: 1.0\n"
		"C:Content-Type: text/plain; charset=utf-8\nC:Content-Transfer-Encoding: 8bit\nC:\n"
		"C:h\xc3\xa9\nC:.\nS:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "8-bit content that nobody has seen, in chunks", EIGHT_BIT | CHUNKS, 1,
		HELLO
		"S:250-PIPELINING\nS:250 8BITMIME\n"
		"C:MAIL FROM:<a@relais.test> BODY=8BITMIME\nC:RCPT TO:<r1@mx.example>\nC:DATA\n" OK3
		"C:Received: by relais.test\nC:From: a@relais.test\nC:MIME-Version: 1.0\n"
		"C:Content-Type: text/plain; charset=utf-8\nC:Content-Transfer-Encoding: 8bit\nC:\n"
		"C:h\xc3\xa9\nC:.\nS:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "8-bit content, 7-bit peer", EIGHT_BIT, 1,
		PLAIN_HELLO GROUP1 OK3
		"C:Received: by relais.test\nC:From: a@relais.test\nC:MIME-Version: 1.0\n"
		"C:Content-Type: text/plain; charset=utf-8\nC:Content-Transfer-Encoding: "
		"quoted-printable\n"
		"C:\nC:h=C3=A9\nC:.\nS:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "the same, in chunks: all of it is asked for", EIGHT_BIT | CHUNKS, 1,
		PLAIN_HELLO GROUP1 OK3
		"C:Received: by relais.test\nC:From: a@relais.test\nC:MIME-Version: 1.0\n"
		"C:Content-Type: text/plain; charset=utf-8\nC:Content-Transfer-Encoding: "
		"quoted-printable\n"
		"C:\nC:h=C3=A9\nC:.\nS:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "8-bit content that is signed, 7-bit peer", SIGNED, 1,
		PLAIN_HELLO "R:REACHED\nr:PERMANENT message 5.6.3 message has 8-bit content that "
			    "can't be converted, "
			    "and 8BITMIME was not offered by host mx.example[192.0.2.1]\nW:JOB\n" },
	{ "binary content, BINARYMIME", BINARY, 1,
		HELLO
		"S:250-PIPELINING\nS:250-CHUNKING\nS:250 BINARYMIME\n"
		"C:MAIL FROM:<a@relais.test> BODY=BINARYMIME\nC:RCPT TO:<r1@mx.example>\n" OK2
		"C:BDAT 119 LAST\nC:Received: by relais.test\nC:MIME-Version: 1.0\n"
		"C:Content-Type: application/x\nC:Content-Transfer-Encoding: binary\nC:\nC:\nC:.\n"
		"B:010aff\n"
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "binary content, 8BITMIME", BINARY, 1,
		HELLO
		"S:250-PIPELINING\nS:250 8BITMIME\n"
		"C:MAIL FROM:<a@relais.test> BODY=8BITMIME\nC:RCPT TO:<r1@mx.example>\nC:DATA\n" OK3
		"C:Received: by relais.test\nC:MIME-Version: 1.0\nC:Content-Type: application/x\n"
		"C:Content-Transfer-Encoding: base64\nC:\nC:DQouDQoBCv8=\nC:.\n"
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "CHUNKING if the option says so", CHUNKING, 1,
		HELLO "S:250-PIPELINING\nS:250 CHUNKING\n"
		      "C:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r1@mx.example>\n" OK2
		      "C:BDAT 73 LAST\n"
		      "C:Received: by relais.test\nC:From: a@relais.test\nC:Subject: "
		      "x\nC:\nC:.dot\nC:body\n"
		      "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "BDAT isn't sent to nobody", CHUNKING, 1,
		HELLO "S:250-PIPELINING\nS:250 CHUNKING\n"
		      "C:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r1@mx.example>\nS:250 ok\nS:550 no\n"
		      "R:REACHED\nr:PERMANENT recipient 5.0.0 host mx.example[192.0.2.1] said: 550 "
		      "no (in "
		      "reply to RCPT TO command)\nW:JOB\n!job\n"
		      "C:RSET\nC:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r1@mx.example>\n" },
	{ "BDAT is refused", CHUNKING, 1,
		HELLO "S:250-PIPELINING\nS:250 CHUNKING\n"
		      "C:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r1@mx.example>\n" OK2
		      "C:BDAT 73 LAST\n"
		      "C:Received: by relais.test\nC:From: a@relais.test\nC:Subject: "
		      "x\nC:\nC:.dot\nC:body\n"
		      "S:451 later\nR:REACHED\nr:TEMPORARY message 4.3.0 host "
		      "mx.example[192.0.2.1] said: 451 "
		      "later (in reply to BDAT command)\nW:JOB\n" },
	{ "SMTPUTF8", UTF8_RCPT | UTF8_FLAG | UTF8_HEADER, 2,
		HELLO
		"S:250-PIPELINING\nS:250-8BITMIME\nS:250 SMTPUTF8\n"
		"C:MAIL FROM:<a@relais.test> BODY=8BITMIME SMTPUTF8\nC:RCPT "
		"TO:<r\xc3\xa9@mx.example>\n"
		"C:RCPT TO:<r2@mx.example>\nC:DATA\nS:250 ok\nS:250 ok\nS:250 ok\nS:354 go\n"
		"C:Received: by relais.test\nC:Subject: h\xc3\xa9\nC:\nC:body\nC:.\nS:250 ok\n"
		"R:REACHED\nr:SENT - 2.0.0 250 ok\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "SMTPUTF8 for the sake of an address", UTF8_RCPT, 1,
		HELLO "S:250-PIPELINING\nS:250 SMTPUTF8\n"
		      "C:MAIL FROM:<a@relais.test> SMTPUTF8\nC:RCPT "
		      "TO:<r\xc3\xa9@mx.example>\nC:DATA\n" OK3 BODY
		      "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "SMTPUTF8 is offered, nothing needs it", 0, 1,
		HELLO "S:250-PIPELINING\nS:250 SMTPUTF8\n" GROUP1 },
	{ "a recipient needs SMTPUTF8, another doesn't", UTF8_RCPT | UTF8_FLAG, 2,
		PLAIN_HELLO
		"C:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r2@mx.example>\nC:DATA\n" OK3 BODY
		"S:250 ok\nR:REACHED\nr:PERMANENT recipient 5.6.7 SMTPUTF8 is required, but was "
		"not offered "
		"by host mx.example[192.0.2.1]\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "the header needs SMTPUTF8", UTF8_FLAG | UTF8_HEADER, 1,
		PLAIN_HELLO
		"R:REACHED\nr:PERMANENT message 5.6.7 SMTPUTF8 is required, but was not offered "
		"by host mx.example[192.0.2.1]\nW:JOB\n" },
	{ "the sender needs SMTPUTF8", UTF8_SENDER, 1,
		PLAIN_HELLO
		"R:REACHED\nr:PERMANENT message 5.6.7 SMTPUTF8 is required, but was not offered "
		"by host mx.example[192.0.2.1]\nW:JOB\n" },
	{ "SMTPUTF8 was said, but isn't needed", UTF8_FLAG, 1,
		TO_BODY "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "8-bit header without SMTPUTF8, 7-bit peer", UTF8_HEADER, 1,
		PLAIN_HELLO GROUP1 OK3
		"C:Received: by relais.test\nC:Subject: =?utf-8?B?aMOp?=\nC:\nC:body\nC:.\n"
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "DSN parameters are passed on", DSN, 2,
		HELLO
		"S:250-PIPELINING\nS:250 DSN\n"
		"C:MAIL FROM:<a@relais.test> RET=HDRS ENVID=QQ+2B1\n"
		"C:RCPT TO:<r1@mx.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;o+2B1@mx.example\n"
		"C:RCPT TO:<r2@mx.example> NOTIFY=NEVER ORCPT=utf-8;\\x{20AC}@mx.example\nC:DATA\n"
		"S:250 ok\nS:250 ok\nS:250 ok\nS:354 go\n" BODY
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 relayed 250 ok\nr:SENT - 2.0.0 relayed 250 "
		"ok\n"
		"W:JOB\n" },
	{ "DSN parameters are kept to ourselves", DSN, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:250 ok\nS:250 ok\nS:354 go\n" BODY
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nr:SENT - 2.0.0 250 ok\n" },
	{ "BINARYMIME without CHUNKING is nothing", BINARY, 1,
		HELLO
		"S:250-PIPELINING\nS:250-BINARYMIME\nS:250 8BITMIME\n"
		"C:MAIL FROM:<a@relais.test> BODY=8BITMIME\nC:RCPT TO:<r1@mx.example>\nC:DATA\n" },

	/* --- greeting and EHLO ------------------------------------------------------------ */
	{ "HELO when EHLO isn't known", 0, 1,
		"S:220 mx SMTP\nC:EHLO relais.test\nS:502 what?\nC:HELO relais.test\nS:250 mx\n"
		"C:MAIL FROM:<a@relais.test>\nS:250 ok\nC:RCPT TO:<r1@mx.example>\nS:250 "
		"ok\nC:DATA\n"
		"S:354 go\n" BODY "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "554 instead of a greeting", 0, 1,
		"S:554 5.7.1 no service for you\nC:QUIT\nR:UNREACHABLE\nr:TEMPORARY host 4.7.1 "
		"host "
		"mx.example[192.0.2.1] refused to talk to me: 554 5.7.1 no service for "
		"you\nW:CLOSE\n" },
	{ "450 instead of a greeting", 0, 1,
		"S:450 busy\nC:QUIT\nR:BUSY\nr:TEMPORARY host 4.2.0 host mx.example[192.0.2.1] "
		"refused to "
		"talk to me: 450 busy\nW:CLOSE\n" },
	{ "421 instead of a greeting", 0, 1,
		"S:421 4.3.2 too many connections\nR:BUSY\nr:TEMPORARY host 4.3.2 host "
		"mx.example[192.0.2.1] refused to talk to me: 421 4.3.2 too many "
		"connections\nW:CLOSE\n" },
	{ "an HTTP server", 0, 1,
		"S:HTTP/1.1 400 Bad Request\nS:Server: nginx\nR:UNREACHABLE\nr:TEMPORARY host "
		"4.5.0 host "
		"mx.example[192.0.2.1] sent a malformed reply: HTTP/1.1 400 Bad Request while "
		"receiving the "
		"initial server greeting\nW:CLOSE\n" },
	{ "354 instead of a greeting", 0, 1,
		"S:354 go\nR:UNREACHABLE\nr:TEMPORARY host 4.5.0 host mx.example[192.0.2.1] sent "
		"an "
		"unexpected reply: 354 go while receiving the initial server greeting\nW:CLOSE\n" },
	{ "silence", 0, 1,
		"!timeout\nR:UNREACHABLE\nr:TEMPORARY host 4.4.2 conversation with "
		"mx.example[192.0.2.1] timed "
		"out while receiving the initial server greeting\nW:CLOSE\n" },
	{ "closes at once", 0, 1,
		"!close\nR:UNREACHABLE\nr:TEMPORARY host 4.4.2 lost connection with "
		"mx.example[192.0.2.1] "
		"while receiving the initial server greeting\nW:CLOSE\n" },
	{ "resets in the middle of EHLO's answer", 0, 1,
		HELLO "!reset\nR:UNREACHABLE\nr:TEMPORARY host 4.4.2 lost connection with "
		      "mx.example[192.0.2.1] while performing the EHLO handshake: Connection reset "
		      "by peer\n"
		      "W:CLOSE\n" },
	{ "EHLO and HELO are refused", 0, 1,
		"S:220 mx\nC:EHLO relais.test\nS:550 bad name\nC:HELO relais.test\nS:550 5.7.1 bad "
		"name\n"
		"C:QUIT\nR:UNREACHABLE\nr:TEMPORARY host 4.7.1 host mx.example[192.0.2.1] refused "
		"to talk to "
		"me: 550 5.7.1 bad name\nW:CLOSE\n" },
	{ "EHLO is refused for now", 0, 1,
		"S:220 mx\nC:EHLO relais.test\nS:451 4.3.0 not "
		"now\nC:QUIT\nR:UNREACHABLE\nr:TEMPORARY host "
		"4.3.0 host mx.example[192.0.2.1] refused to talk to me: 451 4.3.0 not "
		"now\nW:CLOSE\n" },
	{ "it is us", OWN_NAME, 1,
		HELLO "S:250 PIPELINING\nC:QUIT\nR:REFUSED\nr:PERMANENT host 5.4.6 mail loops back "
		      "to myself: "
		      "host mx.example[192.0.2.1] has my name\nW:CLOSE\n" },
	{ "no code is 1yz or 6yz", 0, 1,
		"S:120 wait\nR:UNREACHABLE\nr:TEMPORARY host 4.5.0 host mx.example[192.0.2.1] sent "
		"a malformed "
		"reply: 120 wait while receiving the initial server greeting\nW:CLOSE\n" },

	/* --- recipients ------------------------------------------------------------------- */
	{ "one bad recipient of three", 0, 3,
		PLAIN_HELLO GROUP3
		"S:250 ok\nS:250 ok\nS:550 5.1.1 no such user\nS:250 ok\nS:354 go\n" BODY
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\n"
		"r:PERMANENT recipient 5.1.1 host mx.example[192.0.2.1] said: 550 5.1.1 no "
		"such user (in reply to RCPT TO command)\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "greylisted and unknown, so nothing to send; DATA is refused too", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:450 4.7.1 greylisted\nS:550 5.1.1 no\nS:554 5.5.1 no valid "
		"recipients\nR:REACHED\nr:TEMPORARY recipient 4.7.1 host "
		"mx.example[192.0.2.1] said: 450 4.7.1 greylisted (in reply to RCPT TO command)"
		"\nr:PERMANENT recipient 5.1.1 host mx.example[192.0.2.1] said: 550 5.1.1 no "
		"(in reply to RCPT TO command)\nW:JOB\n!job\nC:RSET\n" GROUP2 },
	{ "all are refused, but DATA is taken", 0, 1,
		PLAIN_HELLO GROUP1
		"S:250 ok\nS:550 no\nS:354 go\nC:.\nS:554 no recipients\nR:REACHED\n"
		"r:PERMANENT recipient 5.0.0 host mx.example[192.0.2.1] said: 550 no (in reply "
		"to RCPT TO command)\nW:JOB\n!job\n" GROUP1 },
	{ "all are refused, without PIPELINING", NO_PIPELINING, 1,
		PLAIN_HELLO
		"C:MAIL FROM:<a@relais.test>\nS:250 ok\nC:RCPT TO:<r1@mx.example>\nS:550 no\n"
		"R:REACHED\nr:PERMANENT recipient 5.0.0 host mx.example[192.0.2.1] said: 550 no "
		"(in "
		"reply to RCPT TO command)\nW:JOB\n!job\nC:RSET\nS:250 ok\n"
		"C:MAIL FROM:<a@relais.test>\n" },
	{ "too many recipients: the rest in more transactions", 0, 3,
		PLAIN_HELLO GROUP3
		"S:250 ok\nS:250 ok\nS:452 4.5.3 too many\nS:452 too many\nS:354 go\n" BODY
		"S:250 one\nC:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r2@mx.example>\nC:DATA\n" OK3
			BODY "S:250 two\nC:MAIL FROM:<a@relais.test>\n"
		"C:RCPT TO:<r3@mx.example>\nC:DATA\n" OK3 BODY
		"S:250 three\nR:REACHED\nr:SENT - 2.0.0 250 one\n"
		"r:SENT - 2.0.0 250 two\nr:SENT - 2.0.0 250 three\nW:JOB\n" },
	{ "MAIL of the second transaction is refused", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:250 ok\nS:452 4.5.3 too many\nS:354 go\n" BODY
		"S:250 one\nC:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r2@mx.example>\nC:DATA\n"
		"S:451 4.7.1 slowly\nS:503 no\nS:503 no\nR:BUSY\nr:SENT - 2.0.0 250 one\n"
		"r:TEMPORARY message 4.7.1 host mx.example[192.0.2.1] said: 451 4.7.1 slowly (in "
		"reply to MAIL FROM command)\nW:JOB\n" },
	{ "the same in chunks: content from its beginning", CHUNKS, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:250 ok\nS:452 4.5.3 too many\nS:354 go\n" BODY
		"S:250 one\nC:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r2@mx.example>\nC:DATA\n" OK3
			BODY "S:250 two\nR:REACHED\nr:SENT - 2.0.0 250 one\n"
		"r:SENT - 2.0.0 250 two\nW:JOB\n" },
	{ "552 of an old server is a 452", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:250 ok\nS:552 too many recipients\nS:354 go\n" BODY
		"S:250 one\nC:MAIL FROM:<a@relais.test>\nC:RCPT TO:<r2@mx.example>\nC:DATA\n"
		"S:250 ok\nS:552 too many recipients\nS:503 no\nR:REACHED\n"
		"r:SENT - 2.0.0 250 one\nr:TEMPORARY recipient 4.5.3 host mx.example[192.0.2.1] "
		"said: 552 too many recipients (in reply to RCPT TO command)\nW:JOB\n" },
	{ "552 that says what it means", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:250 ok\nS:552 5.2.2 mailbox full\nS:354 go\n" BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nr:PERMANENT recipient 5.2.2 host "
		"mx.example[192.0.2.1] said: 552 5.2.2 mailbox full (in reply to RCPT TO "
		"command)\nW:JOB\n" },
	{ "452 for a full disk is no matter of numbers", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:250 ok\nS:452 4.3.1 disk full\nS:354 go\n" BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nr:TEMPORARY recipient 4.3.1 host "
		"mx.example[192.0.2.1] said: 452 4.3.1 disk full (in reply to RCPT TO command)\n"
		"W:JOB\n" },
	{ "421 to the second recipient", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:550 5.1.1 no\nS:421 4.7.0 slow down\nR:BUSY\n"
		"r:PERMANENT recipient 5.1.1 host mx.example[192.0.2.1] said: 550 5.1.1 no (in "
		"reply to RCPT TO command)\nr:TEMPORARY connection 4.7.0 host "
		"mx.example[192.0.2.1] said: 421 4.7.0 slow down (in reply to RCPT TO command)\n"
		"W:CLOSE\n" },
	{ "354 to RCPT", 0, 1,
		PLAIN_HELLO GROUP1
		"S:250 ok\nS:354 go\nR:REACHED\nr:TEMPORARY connection 4.5.0 host "
		"mx.example[192.0.2.1] sent an unexpected reply: 354 go while sending RCPT TO\n"
		"W:CLOSE\n" },
	{ "closes after the first recipient", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:550 no\n!close\nR:REACHED\nr:PERMANENT recipient 5.0.0 host "
		"mx.example[192.0.2.1] said: 550 no (in reply to RCPT TO command)\n"
		"r:TEMPORARY connection 4.4.2 lost connection with mx.example[192.0.2.1] while "
		"sending RCPT TO\nW:CLOSE\n" },

	/* --- MAIL ------------------------------------------------------------------------- */
	{ "MAIL is refused, and so is all behind it", 0, 2,
		PLAIN_HELLO GROUP2
		"S:550 5.7.1 go away\nS:503 no\nS:503 no\nS:503 no\nR:REACHED\n"
		"r:PERMANENT message 5.7.1 host mx.example[192.0.2.1] said: 550 5.7.1 go away "
		"(in reply to MAIL FROM command)\nr:PERMANENT message 5.7.1 host "
		"mx.example[192.0.2.1] said: 550 5.7.1 go away (in reply to MAIL FROM command)\n"
		"W:JOB\n!job\n" GROUP2 },
	{ "MAIL is refused, yet the rest is taken", 0, 1,
		PLAIN_HELLO GROUP1
		"S:550 no\nS:250 ok\nS:354 go\nC:.\nS:250 ok\nR:REACHED\nr:PERMANENT message "
		"5.0.0 host mx.example[192.0.2.1] said: 550 no (in reply to MAIL FROM command)\n"
		"W:JOB\n" },
	{ "MAIL is refused, without PIPELINING", NO_PIPELINING, 1,
		PLAIN_HELLO
		"C:MAIL FROM:<a@relais.test>\nS:451 4.3.0 later\nR:BUSY\nr:TEMPORARY message 4.3.0 "
		"host mx.example[192.0.2.1] said: 451 4.3.0 later (in reply to MAIL FROM command)\n"
		"W:JOB\n" },
	{ "the sender is refused for now: not a busy host", NO_PIPELINING, 1,
		PLAIN_HELLO
		"C:MAIL FROM:<a@relais.test>\nS:450 4.1.8 no such domain\nR:REACHED\nr:TEMPORARY "
		"message 4.1.8 host mx.example[192.0.2.1] said: 450 4.1.8 no such domain (in reply "
		"to "
		"MAIL FROM command)\nW:JOB\n" },
	{ "354 to MAIL", 0, 1,
		PLAIN_HELLO GROUP1
		"S:354 go\nR:UNREACHABLE\nr:TEMPORARY connection 4.5.0 host "
		"mx.example[192.0.2.1] sent an unexpected reply: 354 go while sending MAIL "
		"FROM\nW:CLOSE\n" },
	{ "silence after EHLO", 0, 1,
		PLAIN_HELLO GROUP1
		"!timeout\nR:UNREACHABLE\nr:TEMPORARY connection 4.4.2 conversation with "
		"mx.example[192.0.2.1] timed out while sending MAIL FROM\nW:CLOSE\n" },

	/* --- content ---------------------------------------------------------------------- */
	{ "DATA is refused", 0, 1,
		PLAIN_HELLO GROUP1 OK2
		"S:451 4.3.0 no disk\nR:REACHED\nr:TEMPORARY message 4.3.0 host "
		"mx.example[192.0.2.1] said: 451 4.3.0 no disk (in reply to DATA command)\n"
		"W:JOB\n!job\nC:RSET\n" GROUP1 },
	{ "250 to DATA", 0, 1,
		PLAIN_HELLO GROUP1 OK2
		"S:250 ok\nR:REACHED\nr:TEMPORARY connection 4.5.0 host "
		"mx.example[192.0.2.1] sent an unexpected reply: 250 ok while sending DATA "
		"command\nW:CLOSE\n" },
	{ "the content is refused", 0, 2,
		PLAIN_HELLO GROUP2
		"S:250 ok\nS:250 ok\nS:550 5.1.1 no\nS:354 go\n" BODY
		"S:554 5.7.1 spam\nR:REACHED\nr:PERMANENT message 5.7.1 host "
		"mx.example[192.0.2.1] said: 554 5.7.1 spam (in reply to end of DATA command)\n"
		"r:PERMANENT recipient 5.1.1 host mx.example[192.0.2.1] said: 550 5.1.1 no (in "
		"reply to RCPT TO command)\nW:JOB\n!job\n" GROUP2 },
	{ "closes before the final reply", 0, 1,
		TO_BODY "!close\nR:REACHED\nr:TEMPORARY connection 4.4.2 lost connection with "
			"mx.example[192.0.2.1] while sending end of data -- message may be sent "
			"more than once\n"
			"W:CLOSE\n" },
	{ "no final reply", 0, 1,
		TO_BODY "!timeout\nR:REACHED\nr:TEMPORARY connection 4.4.2 conversation with "
			"mx.example[192.0.2.1] timed out while sending end of data -- message may "
			"be sent more "
			"than once\nW:CLOSE\n" },
	{ "421 as the final reply", 0, 1,
		TO_BODY "S:421 4.3.2 shutting down\nR:BUSY\nr:TEMPORARY connection 4.3.2 host "
			"mx.example[192.0.2.1] said: 421 4.3.2 shutting down (in reply to end of "
			"DATA command)\n"
			"W:CLOSE\n" },
	{ "354 as the final reply", 0, 1,
		TO_BODY "S:354 again\nR:REACHED\nr:TEMPORARY connection 4.5.0 host "
			"mx.example[192.0.2.1] sent an "
			"unexpected reply: 354 again while sending end of data -- message may be "
			"sent more than "
			"once\nW:CLOSE\n" },
	{ "closes at once after the final reply", 0, 1,
		TO_BODY "S:250 ok\n!close\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:CLOSE\n" },
	{ "garbage after the final reply", 0, 1,
		TO_BODY "S:250 ok\nS:hm\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:CLOSE\n" },
	{ "time-outs when all is done, and then", 0, 1,
		TO_BODY "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\n!close\n!close\nW:CLOSE\n" },
	{ "two final replies", 0, 1,
		TO_BODY "S:250 ok\nS:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:CLOSE\n" },
	{ "552 in the middle of the content", STALL, 1,
		TO_STALL "S:552 5.3.4 too big\nR:REACHED\nr:PERMANENT message 5.3.4 host "
			 "mx.example[192.0.2.1] "
			 "said: 552 5.3.4 too big (in reply to end of DATA command)\nW:CLOSE\n" },
	{ "421 in the middle of the content", STALL, 1,
		TO_STALL "S:421 4.3.2 bye\nR:BUSY\nr:TEMPORARY connection 4.3.2 host "
			 "mx.example[192.0.2.1] said: "
			 "421 4.3.2 bye (in reply to end of DATA command)\nW:CLOSE\n" },
	{ "250 in the middle of the content can't be meant", STALL, 1,
		TO_STALL "S:250 ok\nR:REACHED\nr:TEMPORARY connection 4.5.0 host "
			 "mx.example[192.0.2.1] sent an "
			 "unexpected reply: 250 ok while sending message body\nW:CLOSE\n" },
	{ "closes in the middle of the content", STALL, 1,
		TO_STALL "!reset\nR:REACHED\nr:TEMPORARY connection 4.4.2 lost connection with "
			 "mx.example[192.0.2.1] while sending message body: Connection reset by "
			 "peer\nW:CLOSE\n" },
	{ "takes no more of the content", STALL, 1,
		TO_STALL "!timeout\nR:REACHED\nr:TEMPORARY connection 4.4.2 conversation with "
			 "mx.example[192.0.2.1] timed out while sending message body\nW:CLOSE\n" },
	{ "our side can't read the rest of the content", STALL, 1,
		TO_STALL
		"!abort\nR:REACHED\nr:TEMPORARY message 4.3.0 queue file read error\nW:CLOSE\n" },
	{ "our side can't read the content", 0, 1,
		PLAIN_HELLO GROUP1
		"!abort\nR:REACHED\nr:TEMPORARY message 4.3.0 queue file read error\n"
		"W:CLOSE\n" },

	/* --- connections that were used before -------------------------------------------- */
	{ "gone when the next job comes", 0, 1,
		TO_BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nW:JOB\n!job\n" GROUP1
		"!close\nR:UNREACHABLE FRESH\nr:TEMPORARY connection 4.4.2 lost connection with "
		"mx.example[192.0.2.1] while sending MAIL FROM\nW:CLOSE\n" },
	{ "421 crosses the next job", 0, 1,
		TO_BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nW:JOB\n!job\n" GROUP1
		"S:421 4.4.2 idle too long\nR:BUSY FRESH\nr:TEMPORARY connection 4.4.2 host "
		"mx.example[192.0.2.1] said: 421 4.4.2 idle too long (in reply to MAIL FROM "
		"command)\n"
		"W:CLOSE\n" },
	{ "421 while idle", 0, 1,
		TO_BODY
		"S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nW:JOB\nS:421 4.4.2 idle too long\n"
		"W:CLOSE\n" },
	{ "closes while idle", 0, 1,
		TO_BODY "S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nW:JOB\n!close\nW:CLOSE\n" },
	{ "lost in the middle of the second job: no second chance", 0, 1,
		TO_BODY "S:250 one\nR:REACHED\nr:SENT - 2.0.0 250 one\nW:JOB\n!job\n" GROUP1
			"S:250 ok\n!close\n"
			"R:REACHED\nr:TEMPORARY connection 4.4.2 lost connection with "
			"mx.example[192.0.2.1] while "
			"sending RCPT TO\nW:CLOSE\n" },
	{ "RSET is refused", 0, 1,
		PLAIN_HELLO GROUP1
		"S:250 ok\nS:550 no\nS:503 no\nR:REACHED\nr:PERMANENT recipient 5.0.0 host "
		"mx.example[192.0.2.1] said: 550 no (in reply to RCPT TO command)\nW:JOB\n!job\n"
		"C:RSET\n" GROUP1 "S:500 what?\nR:UNREACHABLE\nr:TEMPORARY connection 4.5.2 host "
		"mx.example[192.0.2.1] said: 500 what? (in reply to RSET command)\nW:CLOSE\n" },

	/* --- TLS -------------------------------------------------------------------------- */
	{ "STARTTLS; what was said before is forgotten, what is said too early is dropped", MAY, 1,
		HELLO "S:250-PIPELINING\nS:250-8BITMIME\nS:250 STARTTLS\nC:STARTTLS\nS:220 go\n"
		      "S:250 injected\nW:TLS\n!tls\nC:EHLO "
		      "relais.test\nS:250-mx.example\nS:250-STARTTLS\n"
		      "S:250 PIPELINING\n" GROUP1 OK3 BODY
		      "S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "level may, not offered", MAY, 1, PLAIN_HELLO GROUP1 },
	{ "level may, refused: again without", MAY, 1,
		HELLO
		"S:250 STARTTLS\nC:STARTTLS\nS:454 4.7.0 no entropy\nC:QUIT\nR:UNREACHABLE PLAIN\n"
		"r:TEMPORARY host 4.7.0 TLS is required, but host mx.example[192.0.2.1] refused to "
		"start "
		"TLS: 454 4.7.0 no entropy\nW:CLOSE\n" },
	{ "level may, the handshake fails: again without", MAY, 1,
		HELLO "S:250 STARTTLS\nC:STARTTLS\nS:220 go\n!tlsfail\nR:UNREACHABLE "
		      "PLAIN\nr:TEMPORARY host "
		      "4.7.5 Cannot start TLS: handshake failure with mx.example[192.0.2.1]: "
		      "certificate has "
		      "expired\nW:CLOSE\n" },
	{ "level may, closes in the handshake: again without", MAY, 1,
		HELLO "S:250 STARTTLS\nC:STARTTLS\nS:220 go\n!close\nR:UNREACHABLE "
		      "PLAIN\nr:TEMPORARY host "
		      "4.7.5 Cannot start TLS: handshake failure with mx.example[192.0.2.1]: lost "
		      "connection\n"
		      "W:CLOSE\n" },
	{ "level encrypt, not offered", ENCRYPT, 1,
		HELLO "S:250 PIPELINING\nC:QUIT\nR:UNREACHABLE\nr:TEMPORARY host 4.7.4 TLS is "
		      "required, but was "
		      "not offered by host mx.example[192.0.2.1]\nW:CLOSE\n" },
	{ "level encrypt, HELO only", ENCRYPT, 1,
		"S:220 mx\nC:EHLO relais.test\nS:500 what?\nC:HELO relais.test\nS:250 mx\nC:QUIT\n"
		"R:UNREACHABLE\nr:TEMPORARY host 4.7.4 TLS is required, but was not offered by "
		"host "
		"mx.example[192.0.2.1]\nW:CLOSE\n" },
	{ "level encrypt, the handshake takes too long", ENCRYPT, 1,
		HELLO "S:250 STARTTLS\nC:STARTTLS\nS:220 go\n!timeout\nR:UNREACHABLE\nr:TEMPORARY "
		      "host 4.7.5 "
		      "Cannot start TLS: handshake failure with mx.example[192.0.2.1]: timed "
		      "out\nW:CLOSE\n" },
	{ "level encrypt, anybody will do", ENCRYPT, 1,
		HELLO "S:250 STARTTLS\nC:STARTTLS\nS:220 go\n!tls-untrusted\nC:EHLO relais.test\n"
		      "S:250-mx.example\nS:250 PIPELINING\n" GROUP1 },
	{ "level verify, not the one", VERIFY, 1,
		HELLO "S:250 STARTTLS\nC:STARTTLS\nS:220 "
		      "go\n!tls-untrusted\nR:UNREACHABLE\nr:TEMPORARY host "
		      "4.7.5 Server certificate not trusted: mx.example[192.0.2.1]\nW:CLOSE\n" },
	{ "TLS from the first octet", WRAPPED | VERIFY, 1,
		"W:TLS\n!tls\nS:220 mx\nC:EHLO relais.test\nS:250-mx.example\nS:250 "
		"PIPELINING\n" GROUP1 },
	{ "TLS from the first octet, and EHLO offers STARTTLS", WRAPPED | MAY, 1,
		"!tls\nS:220 mx\nC:EHLO relais.test\nS:250-mx.example\nS:250-STARTTLS\nS:250 "
		"PIPELINING\n" GROUP1 },
	{ "354 to STARTTLS", ENCRYPT, 1,
		HELLO
		"S:250 STARTTLS\nC:STARTTLS\nS:354 go\nR:UNREACHABLE\nr:TEMPORARY host 4.5.0 host "
		"mx.example[192.0.2.1] sent an unexpected reply: 354 go while receiving the "
		"STARTTLS "
		"response\nW:CLOSE\n" },

	/* --- AUTH ------------------------------------------------------------------------- */
	{ "PLAIN over TLS", AUTH | ENCRYPT, 1,
		HELLO
		"S:250 STARTTLS\nC:STARTTLS\nS:220 go\n!tls\nC:EHLO relais.test\nS:250-mx.example\n"
		"S:250-PIPELINING\nS:250 AUTH LOGIN PLAIN\nC:AUTH PLAIN AHVzZXIAcGVuY2ls\nS:235 "
		"2.7.0 in\n" GROUP1 OK3 BODY
		"S:250 ok\nR:REACHED\nr:SENT - 2.0.0 250 ok\nW:JOB\n" },
	{ "LOGIN, and the old form of the keyword", AUTH | CLEAR_AUTH, 1,
		HELLO
		"S:250-PIPELINING\nS:250 AUTH=LOGIN\nC:AUTH LOGIN\nS:334 VXNlcm5hbWU6\nC:dXNlcg==\n"
		"S:334 UGFzc3dvcmQ6\nC:cGVuY2ls\nS:235 in\n" GROUP1 },
	{ "no password goes without TLS", AUTH, 1,
		HELLO "S:250-PIPELINING\nS:250 AUTH LOGIN "
		      "PLAIN\nC:QUIT\nR:UNREACHABLE\nr:TEMPORARY host 4.7.0 "
		      "SASL authentication failed; no mechanism that can be used is offered by "
		      "mx.example[192.0.2.1] (no password goes without TLS)\nW:CLOSE\n" },
	{ "AUTH isn't offered", AUTH | CLEAR_AUTH, 1,
		PLAIN_HELLO
		"C:QUIT\nR:UNREACHABLE\nr:TEMPORARY host 4.7.0 SASL authentication failed; no "
		"mechanism that can be used is offered by mx.example[192.0.2.1]\nW:CLOSE\n" },
	{ "the password is wrong", AUTH | CLEAR_AUTH, 1,
		HELLO "S:250 AUTH PLAIN\nC:AUTH PLAIN AHVzZXIAcGVuY2ls\nS:535 5.7.8 "
		      "no\nC:QUIT\nR:UNREACHABLE\n"
		      "r:TEMPORARY host 4.7.8 SASL authentication failed; server "
		      "mx.example[192.0.2.1] said: 535 "
		      "5.7.8 no\nW:CLOSE\n" },
	{ "a mechanism isn't taken after all, another is", AUTH | CLEAR_AUTH, 1,
		HELLO "S:250-PIPELINING\nS:250 AUTH PLAIN LOGIN\nC:AUTH PLAIN "
		      "AHVzZXIAcGVuY2ls\nS:504 5.5.4 no\n"
		      "C:AUTH LOGIN\nS:334 VXNlcm5hbWU6\nC:dXNlcg==\nS:334 "
		      "UGFzc3dvcmQ6\nC:cGVuY2ls\nS:235 in\n" GROUP1 },
	{ "a challenge that is none", AUTH | CLEAR_AUTH, 1,
		HELLO "S:250 AUTH LOGIN\nC:AUTH LOGIN\nS:334 !!!\nR:UNREACHABLE\nr:TEMPORARY host "
		      "4.7.0 SASL "
		      "authentication failed; what server mx.example[192.0.2.1] says does not "
		      "prove that it knows "
		      "the password\nW:CLOSE\n" },
	{ "challenges without end", AUTH | CLEAR_AUTH, 1,
		HELLO "S:250 AUTH LOGIN\nC:AUTH LOGIN\nS:334 VXNlcm5hbWU6\nC:dXNlcg==\nS:334 "
		      "UGFzc3dvcmQ6\n"
		      "C:cGVuY2ls\nS:334 TW9yZTo=\nR:UNREACHABLE\nr:TEMPORARY host 4.7.0 SASL "
		      "authentication "
		      "failed; what server mx.example[192.0.2.1] says does not prove that it knows "
		      "the password\n"
		      "W:CLOSE\n" },

	/* --- LMTP ------------------------------------------------------------------------- */
	{ "LMTP: a reply for each accepted recipient", LMTP, 3,
		"S:220 lmtp\nC:LHLO relais.test\nS:250-lmtp\nS:250 PIPELINING\n" GROUP3
		"S:250 ok\nS:250 ok\nS:550 5.1.1 no\nS:250 ok\nS:354 go\n" BODY
		"S:250 2.1.5 one\nS:452 4.2.2 full\nR:REACHED\nr:SENT - 2.1.5 250 2.1.5 one\n"
		"r:PERMANENT recipient 5.1.1 host mx.example[192.0.2.1] said: 550 5.1.1 no (in "
		"reply to RCPT TO "
		"command)\nr:TEMPORARY recipient 4.2.2 host mx.example[192.0.2.1] said: 452 4.2.2 "
		"full (in reply "
		"to end of DATA command)\nW:JOB\n" },
	{ "LMTP: closes between the final replies", LMTP, 2,
		"S:220 lmtp\nC:LHLO relais.test\nS:250-lmtp\nS:250 PIPELINING\n" GROUP2
		"S:250 ok\nS:250 ok\nS:250 ok\nS:354 go\n" BODY
		"S:250 one\n!close\nR:REACHED\nr:SENT - 2.0.0 250 one\nr:TEMPORARY connection "
		"4.4.2 lost "
		"connection with mx.example[192.0.2.1] while sending end of data -- message may be "
		"sent more than "
		"once\nW:CLOSE\n" },
	{ "LMTP: 421 between the final replies", LMTP, 2,
		"S:220 lmtp\nC:LHLO relais.test\nS:250-lmtp\nS:250 PIPELINING\n" GROUP2
		"S:250 ok\nS:250 ok\nS:250 ok\nS:354 go\n" BODY
		"S:250 one\nS:421 4.3.0 ouch\nR:BUSY\nr:SENT - 2.0.0 250 one\nr:TEMPORARY "
		"connection 4.3.0 host "
		"mx.example[192.0.2.1] said: 421 4.3.0 ouch (in reply to end of DATA "
		"command)\nW:CLOSE\n" },
	{ "LMTP: LHLO has no older form", LMTP, 1,
		"S:220 smtp\nC:LHLO relais.test\nS:502 what?\nC:QUIT\nR:UNREACHABLE\nr:TEMPORARY "
		"host 4.5.1 host "
		"mx.example[192.0.2.1] refused to talk to me: 502 what?\nW:CLOSE\n" },
	{ "LMTP: nobody is accepted, but DATA", LMTP, 1,
		"S:220 lmtp\nC:LHLO relais.test\nS:250-lmtp\nS:250 PIPELINING\n" GROUP1
		"S:250 ok\nS:550 no\nS:354 go\nR:REACHED\nr:PERMANENT recipient 5.0.0 host "
		"mx.example[192.0.2.1] "
		"said: 550 no (in reply to RCPT TO command)\nW:CLOSE\n" },

	/* --- hostile text ----------------------------------------------------------------- */
	{ "replies that would fake log lines", 0, 1,
		PLAIN_HELLO GROUP1
		"S:250 ok\nS:550 5.1.1 a\rb\x1b[2J\xff\x01\x7f\nS:503 no\nR:REACHED\n"
		"r:PERMANENT recipient 5.1.1 host mx.example[192.0.2.1] said: 550 5.1.1 "
		"a?b?[2J??? (in reply to RCPT TO command)\nW:JOB\n" },
	{ "an enhanced code of another class is none", 0, 1,
		PLAIN_HELLO GROUP1
		"S:250 ok\nS:550 4.1.1 hm\nS:503 no\nR:REACHED\nr:PERMANENT recipient 5.0.0 "
		"host mx.example[192.0.2.1] said: 550 4.1.1 hm (in reply to RCPT TO command)\n"
		"W:JOB\n" },
