/** `admin`: the admin listener, the console's users and their sessions. */
import { z } from "zod";
import { exported, lookUps } from "./exports.ts";
import { adminTls, allowFrom } from "./listeners.ts";
import { oidc } from "./oidc.ts";
import { authority, bind, off, path, wait } from "./units.ts";

/** An address alone, or with the networks that may connect. */
const probes = z.union(
  [
    bind.transform((at) => ({ bind: at, allow_from: null })),
    z.strictObject({ bind: bind.describe("Address and port to listen on."), allow_from: allowFrom }),
  ],
  { error: "expected an address and a port, for example 0.0.0.0:9641, or { bind: …, allow_from: […] }" },
);

const users = z.strictObject({
  file: path.describe(
    "File of the console's users with their roles (viewer, operator, auditor), tenants and hashes of their " +
      "passwords, written by ocsgw admins.",
  ),
});

const session = z.strictObject({
  idle: wait
    .prefault("30m")
    .describe(
      "A user of the console must log in again after this time without using it. Background refreshes do not count.",
    ),
  longest: wait.prefault("12h").describe("A user of the console must log in again after this time in any case."),
});

export const admin = z.strictObject({
  bind: bind.describe("Address and port to listen on."),
  names: z
    .array(authority)
    .prefault([])
    .describe(
      "Host names that requests may use, besides the address and the certificate's names; name:* for any port. " +
        "They also apply to probes.",
    ),
  tls: adminTls.default("none").describe("Certificate and key, or none (on loopback only)."),
  probes: off(probes).describe(
    "Listener without TLS for /healthz, /readyz and /metrics only; a standby answers here before it takes over. An " +
      "address, or { bind, allow_from }. Default: off.",
  ),
  users: off(users).describe(
    "Users of the console. With users, /metrics on this listener needs the admin token. Default: off; the console " +
      "then opens only by a link from ocsgw admins link.",
  ),
  oidc: off(oidc).describe(
    "OpenID provider through which users log in to the console. With it, /metrics on this listener needs the admin " +
      "token. Default: off.",
  ),
  session: session.prefault({}).describe("How long a user of the console stays logged in."),
  look_ups: lookUps,
  exports: exported.prefault({}).describe("Files of exports that users of the console make."),
});
