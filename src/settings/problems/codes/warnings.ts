/** Codes 63xx of warnings: the config is accepted. */
import type { CodeRow } from "./code-row.ts";

export const WARNINGS: Readonly<Record<number, CodeRow>> = {
  6301: {
    what: "no tenant uses this upstream, so it gets no requests",
    help: "Remove it, or set it as the upstream of a tenant.",
  },
  6302: {
    what: "two clients differ only in upper and lower case",
    help: "If one client is meant, use one spelling: client names are case-sensitive.",
  },
  6303: {
    what: "an index key is short",
    help:
      "Make a longer key with openssl rand -hex 32, and keep the present one as an older epoch so that its " +
      "tokens are still found.",
  },
  6304: {
    what: "no API key is accepted, because the keys file cannot be read",
    help: "ocsgw keys create -c FILE --client NAME creates the file.",
  },
  6305: {
    what: "clients have no valid key and cannot authenticate",
    help: "ocsgw keys create -c FILE --client NAME creates a key.",
  },
  6306: {
    what: "an issuer can issue tokens for the clients of every tenant",
    help: "List in tenants the tenants that this issuer is responsible for.",
  },
  6307: {
    what: "a certificate rule names a client that neither a tenant nor a registrar has",
    help: "Correct the client's name, or add the client to a tenant.",
  },
  6308: {
    what: "several authorities can issue a certificate that matches this rule",
    help: "Set ca to the authority that issues these certificates.",
  },
  6309: {
    what: "identity.mtls has no effect, because no listener requests client certificates",
    help: "Set tls.client_ca on a listener, or on callbacks for registrars; or remove identity.mtls.",
  },
  6311: {
    what: "a certificate expires soon",
    help: "Renew the certificate and replace the file; the gateway takes the new one without a restart.",
  },
  6312: {
    what: "an authority in a chain of certificates has expired",
    help: "Replace the file with one that holds the current chain, or remove the expired authority.",
  },
  6313: {
    what: "many tenants share few lanes, so nearly every request needs a new connection",
    help:
      "Set connections to the number that the message names, set lane_isolation: none, or give some tenants" +
      " another upstream.",
  },
  6314: {
    what: "the shares of two tenants are far apart: one gets fewer than one turn in a hundred while the other is busy",
    help: "Use shares that are closer to each other.",
  },
  6315: {
    what: "a revocation list (CRL) has expired or expires within a day",
    help: "Replace the file with a current list: an expired CRL rejects all certificates of its authority.",
  },
  6316: {
    what: "any public certificate authority can issue a certificate that the gateway accepts for this OCS",
    help: "Set tls.ca to the OCS's own authority, or tls.pins to the hashes of its keys.",
  },
  6317: {
    what:
      "two tenants have the same DBID on two OCS, and the journal numbers the Do-Not-Calls of a DBID in one" +
      " sequence",
    help:
      "To prove that an export is complete, export both tenants together, or run one gateway with its own " +
      "journal for each OCS.",
  },
  6318: {
    what: "the limit of open files is lower than the listeners could need",
    help:
      "Raise the gateway's limit (LimitNOFILE, ulimit -n) to the number that the message names, or lower " +
      "max_connections.",
  },
  6319: {
    what: "an upstream accepts an outdated version of TLS",
    help: "Keep the network to this host closed, and raise min_version once the host supports TLS 1.2.",
  },
  6321: {
    what: "records is pre-dial by default, but the upstream has no callbacks listener",
    help:
      "Add callbacks with bind and allow_from to the upstream, and set OCS's validation-uri to that " +
      "address; or set records to dedicated (the tenant has an OCS of its own) or unscoped (nothing separates the " +
      "tenants' records).",
  },
  6322: { what: "registrars send their keys without TLS", help: "Set callbacks.tls with a certificate and a key." },
  6323: {
    what: "records are sent to the validator over http",
    help: "Use https, or run the validator on this machine.",
  },
  6324: {
    what: "cannot tell whether this key is the journal's",
    help: "Nothing: ocsgw run compares the key with the journal itself.",
  },
  6325: {
    what: "a password hash is cheap to guess",
    help: "Set the password again: ocsgw admins password --name NAME.",
  },
  6326: {
    what: "no user can log in to the console, because the file of its users cannot be read",
    help: "ocsgw admins create -c FILE --name NAME --role operator creates the file.",
  },
  6327: {
    what: "no user can log in to the console, because all of its users are disabled",
    help: "ocsgw admins create or ocsgw admins enable.",
  },
  6328: {
    what: "the admin listener does not answer to the name in the OpenID provider's redirect",
    help: "Add the name to admin.names.",
  },
  6330: {
    what: "the gateway may need longer to stop than its supervisor waits",
    help:
      "Set TimeoutStopSec (systemd), stop_grace_period (compose) or terminationGracePeriodSeconds " +
      "(Kubernetes) to the time that the message names, or more.",
  },
  6340: {
    what: "a secret file is readable for a group",
    help: "Set mode 0440 where the container's group must read it, otherwise 0400.",
  },
  6448: {
    what: "a test of check --connect failed or needs attention",
    help: "The message names the test and what it found. `ocsgw check --connect` prints all tests as a table.",
  },
  6344: {
    what: "several gateways share fewer than two lanes, so that all but one have none",
    help: "Set connections to at least twice the number of gateways, on all of them.",
  },
  6353: { what: "there are more warnings than are shown", help: "ocsgw check -c FILE --all shows them." },
  6376: {
    what: "headers of telemetry.otlp are sent over http: everybody on the network can read them",
    help: "Use https, or an address of this machine.",
  },
};
