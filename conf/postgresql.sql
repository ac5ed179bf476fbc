-- relais: domains, accounts and aliases in PostgreSQL, for the queries that are the defaults of
-- the options directory.postgresql_domains, _accounts and _aliases. docs/postgresql.md tells more.
--
-- Keys are folded: lower case, domains as A-labels ("xn--..."), local-parts without quotes.
-- The suite only reads. Give its role no more than SELECT:
--
--     CREATE ROLE relais LOGIN PASSWORD '...';
--     GRANT SELECT ON domains, accounts, aliases TO relais;

CREATE TABLE IF NOT EXISTS domains (
    name          text PRIMARY KEY CHECK (name = lower(name)),
    class         text NOT NULL DEFAULT 'local' CHECK (class IN ('local', 'relay', 'alias')),
    target        text,                             -- of an alias: the domain it stands for
    system_users  boolean NOT NULL DEFAULT false,   -- of a local one: the system's users too
    CHECK ((class = 'alias') = (target IS NOT NULL)),
    CHECK (class = 'local' OR NOT system_users)
);

CREATE TABLE IF NOT EXISTS accounts (
    address       text PRIMARY KEY CHECK (address = lower(address) AND address LIKE '_%@_%'),
    password      text NOT NULL DEFAULT '*',        -- as "relais user passwd" makes it; * for none
    quota         bigint CHECK (quota >= 0),        -- octets; 0: no limit; NULL: default_quota
    messages      bigint CHECK (messages >= 0),
    state         text,                             -- locked, no-login, no-mail, ...; NULL: active
    home          text,                             -- NULL: DOMAIN/LOCAL-PART
    uid           bigint CHECK (uid > 0),           -- NULL: of mail_user
    gid           bigint CHECK (gid > 0),
    forward       text[],                           -- mail is sent on to these addresses
    keep          boolean NOT NULL DEFAULT false,   -- and a copy stays
    words         text[],                           -- further options of a line of "accounts"
    CHECK ((uid IS NULL) = (gid IS NULL))
);

CREATE TABLE IF NOT EXISTS aliases (
    address       text NOT NULL CHECK (address = lower(address)), -- user@domain, user, @domain
    target        text NOT NULL CHECK (target <> ''),
    PRIMARY KEY (address, target)
);

-- Routes (docs/routing.md), only for who sets the options directory.postgresql_transport,
-- _sender_transport and _tls_policy: their defaults ask for none of it.

CREATE TABLE IF NOT EXISTS transport (
    key           text NOT NULL CHECK (key = lower(key)), -- user@domain, domain, .domain, *
    priority      integer NOT NULL DEFAULT 0,             -- the least is tried first
    next_hop      text NOT NULL CHECK (next_hop <> ''),   -- smtp:[relay.example.net]:587
    PRIMARY KEY (key, priority, next_hop)
);

CREATE TABLE IF NOT EXISTS sender_transport (
    key           text NOT NULL CHECK (key = lower(key)), -- user@domain, @domain, <>
    priority      integer NOT NULL DEFAULT 0,
    next_hop      text NOT NULL CHECK (next_hop <> ''),
    PRIMARY KEY (key, priority, next_hop)
);

CREATE TABLE IF NOT EXISTS tls_policy (
    key           text PRIMARY KEY CHECK (key = lower(key)), -- host:port, host, .domain
    level         text NOT NULL                              -- encrypt, verify, ...
);
