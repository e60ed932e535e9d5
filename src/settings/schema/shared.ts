/** `shared`: the PostgreSQL database that several gateways in front of one OCS share. */
import { z } from "zod";
import { parseDatabaseAddress } from "../../cluster/database-address.ts";
import { count, LONGEST_WAIT_MS, off, path, secret, text, wait } from "./units.ts";

const expected = (what: string): { error: string } => ({ error: `expected ${what}` });

/** A secret as a whole, because its password may come from anywhere in it. */
const address = secret
  .superRefine((given, context) => {
    const parsed = parseDatabaseAddress(given);
    if ("fault" in parsed) context.addIssue({ code: "custom", message: `expected ${parsed.fault}` });
  })
  .meta({ "x-kind": "secret" });

const tls = z.union(
  [
    z.literal("none"),
    z.strictObject({
      ca: off(path).describe("PEM file with the CA that signed the server's certificate. Default: the public CAs."),
      cert: off(path).describe("PEM file with the gateway's client certificate, if the server requests one."),
      key: off(path).describe("PEM file with the private key of cert."),
      server_name: off(text).describe("Name in the server's certificate. Default: the host of the address."),
    }),
  ],
  expected("none, or a map with ca, cert, key and server_name"),
);

const SCHEMA = "the name of a PostgreSQL schema: 1 to 63 lower-case letters, digits or _ that start with a letter";

const MOST_CONNECTIONS = 100;

const ADDRESS = "scheme://host:port of the admin API, as other nodes reach it, for example https://gw-a:9640";
const LEAST_KEY = 32;
const KEY = `a key of ${LEAST_KEY} or more characters; openssl rand -base64 32 prints one`;

const peers = z.strictObject({
  address: off(
    z
      .string(expected(ADDRESS))
      .regex(/^https?:\/\/[^\s/?#@\\]+\/?$/, expected(ADDRESS))
      .refine((given) => URL.canParse(given), expected(ADDRESS)),
  ).describe("Address of this gateway's admin API for the other nodes. Default: that of the admin listener."),
  common_key: off(
    secret.refine((given) => given.length >= LEAST_KEY, expected(KEY)).meta({ "x-kind": "secret" }),
  ).describe(
    "Common key of all nodes, by which they know each other, from ${file:} or ${VAR}. It is never sent. Default: " +
      "off; then tls needs cert and key.",
  ),
  tls: z
    .strictObject({
      ca: off(path).describe(
        "PEM file with the CA that signed the certificates of the nodes: those of their admin listeners, and their " +
          "client certificates. Default: the public CAs.",
      ),
      cert: off(path).describe(
        "PEM file with this node's client certificate (mutual TLS). It must have the node's name, or the host of its " +
          "address, as a DNS name.",
      ),
      key: off(path).describe("PEM file with the private key of cert."),
    })
    .prefault({})
    .describe("TLS between nodes."),
});

export const shared = z.strictObject({
  postgres: address.describe(
    "Address of the database: postgresql://user:password@host:port/database, with hosts as db1:5432,db2:5432 for a " +
      "server and its standbys. The password may come from ${file:} or ${VAR}. Parameters such as sslmode are not " +
      "accepted.",
  ),
  password: off(secret).describe(
    "Password of the user as it is, for passwords with characters that an address would need to escape. Default: the " +
      "one in postgres.",
  ),
  schema: z
    .string(expected(SCHEMA))
    .regex(/^[a-z][a-z0-9_]{0,62}$/, expected(SCHEMA))
    .refine((name) => !name.startsWith("pg_"), expected("a schema whose name does not start with pg_"))
    .default("ocsgw")
    .describe("The PostgreSQL schema with the gateways' tables. The first gateway that starts creates it."),
  tls: tls.describe("TLS to the database: none, or a map, which may be empty. The server's certificate is verified."),
  allow_plaintext: z
    .boolean(expected("true or false"))
    .default(false)
    .describe(
      "true: tls: none to a database on another host is intended. Others on the network can then read the password " +
        "and phone numbers.",
    ),
  connections: count(MOST_CONNECTIONS)
    .default(4)
    .describe(
      "Number of connections for statements. One more is for the lease and one for notifications: the database's " +
        "max_connections must be enough for all gateways.",
    ),
  statement_timeout: wait
    .refine((ms) => ms >= 100 && ms <= Math.min(60_000, LONGEST_WAIT_MS), expected("a duration from 100ms to 60s"))
    .meta({ "x-kind": "duration" })
    .prefault("2s")
    .describe("Longest time for one statement, and for one attempt to connect."),
  peers: off(peers).describe(
    "How the nodes ask each other's admin API, for ocsgw audit search --nodes and the like. Default: off; then " +
      "answers about all nodes are incomplete.",
  ),
});
