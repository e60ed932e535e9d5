/** Codes of files that the config names, of sockets, and of the config's own files. */
import type { CodeRow } from "./code-row.ts";

export const FILES: Readonly<Record<number, CodeRow>> = {
  6251: { what: "two keys of the keys file have the same id or the same hash", help: "Delete one of the two entries." },
  6252: {
    what: "a file that the config names cannot be read",
    help:
      "Correct the path (it is relative to the config file), or the permissions for the gateway's user, and" +
      " run check as that user.",
  },
  6253: {
    what: "the keys file has a problem; the message has its line",
    help: "Correct the line, or restore the file from a backup. ocsgw keys create writes a valid entry.",
  },
  6254: {
    what: "two users of the console have the same name",
    help: "Delete one of the two entries, or give it another name. Upper and lower case count as the same.",
  },
  6255: {
    what: "a user of the console is limited to a tenant that does not exist",
    help: "Correct the tenant's name or DBID.",
  },
  6256: {
    what: "a user of the console would also see another tenant, which has the same DBID on another OCS",
    help: "List the other tenant too, or give each tenant a DBID of its own.",
  },
  6257: {
    what: "the file of the console's users has a problem; the message has its line",
    help: "Correct the line. ocsgw admins create writes a valid entry.",
  },
  6258: {
    what: "the OpenID provider or the console's address is http on another host",
    help: "Use https; http is accepted on this machine only.",
  },
  6259: {
    what: "nobody can log in through the OpenID provider, because no value of the claim gives a role",
    help: "List at least one value under viewer, operator or auditor.",
  },
  6260: {
    what: "all_tenants has no effect without claims.tenants, or is also the name of a tenant",
    help: "Set claims.tenants, or remove all_tenants; or choose a value that is no tenant's name or DBID.",
  },
  6261: {
    what: "a file does not hold certificates in PEM",
    help: "Name a file with certificates, each from -----BEGIN CERTIFICATE----- to its END line.",
  },
  6262: {
    what: "a file does not hold a private key in PEM without a passphrase, or it cannot be read",
    help:
      "Name the right file, or correct its permissions. If it is the journal's key and it is damaged, " +
      "restore it from a backup.",
  },
  6263: {
    what: "a private key does not belong to its certificate",
    help:
      "Use the certificate and the key that were made together. In the file the server's own certificate " +
      "comes first, and the authorities that signed it follow.",
  },
  6264: {
    what: "OpenSSL rejects the certificate with its key",
    help: "Make a new certificate with RSA of 2048 bits or more, or an EC key such as P-256, signed with SHA-256.",
  },
  6265: {
    what: "a certificate has expired or is not valid yet",
    help: "Renew the certificate and replace the file, or check this machine's clock.",
  },
  6266: {
    what: "other users of this machine can read or replace a secret file",
    help: "Run the chmod command that the message shows.",
  },
  6267: {
    what: "the file of an issuer's keys (jwks_file) is not usable",
    help:
      "Save the JSON at the issuer's jwks_uri in this file. algorithms must name the algorithm of at least " +
      "one of its keys.",
  },
  6268: {
    what: "the gateway's user cannot write in a folder that the journal or a key needs",
    help: "Correct the permissions for the gateway's user, and run check as that user.",
  },
  6269: {
    what: "an index key is too short: whoever guesses it can turn the journal's tokens back into phone numbers",
    help: "Make a key with openssl rand -hex 32.",
  },
  6270: {
    what: "the index key is the public trial key of the samples, and the config is not limited to loopback",
    help:
      "Set a key of your own, for example from openssl rand -hex 32. The trial key may stay as an older " +
      "epoch, so that its tokens are still found.",
  },
  6271: {
    what: "a file does not hold revocation lists (CRL) in PEM",
    help: "Name a file with lists, each from -----BEGIN X509 CRL----- to its END line.",
  },
  6274: {
    what: "an index key cannot be read, or is another key than the journal's",
    help: "Restore the key from a backup. Another key cannot find what was written with it.",
  },
  6276: {
    what: "the journal's anchor is inside audit.dir, or is a file that something else uses",
    help:
      "Name a file outside audit.dir in audit.checkpoint.anchor, and move the present anchor there if there" +
      " is one.",
  },
  6277: {
    what: "the journal's anchor cannot be written in its folder",
    help:
      "Correct the permissions for the gateway's user; or set audit.checkpoint.anchor to a file in another " +
      "folder, and move the present anchor there.",
  },
  6335: {
    what: "systemd passed a socket for an address that no listener is bound to",
    help: "Use the same address for ListenStream= and bind: (ListenStream=8443 means [::]:8443).",
  },
  6336: {
    what: "systemd passed a socket for a listener that is bound to another address",
    help: "Use the same address for ListenStream= and bind:.",
  },
  6337: {
    what: "the address of a socket that systemd passed is not known",
    help: "The socket unit needs ListenStream=ADDRESS:PORT and Accept=no, and /proc must be mounted.",
  },
  6338: { what: "systemd passed two sockets for one listener", help: "Keep one of them in the socket units." },
  6339: {
    what: "LISTEN_PID or LISTEN_FDS is not a number",
    help: "Only systemd should set these variables: remove them from the gateway's environment.",
  },
  6341: {
    what: "the key that signed the journal is missing",
    help:
      "Restore the file from a backup. If the key is lost, make a new one; the journal records that its key" +
      " has changed.",
  },
  6342: {
    what: "the gateway cannot read and write paths of the journal",
    help: "Correct owner and mode of the paths that the message lists: they belong to the gateway's user.",
  },
  6343: {
    what: "the owner of the journal cannot read and write paths of it, usually because root ran a command",
    help: "chown the paths that the message lists to the gateway's user.",
  },
  6350: { what: "end: true must be the last key of the file", help: "Move it to the end of the file." },
  6351: {
    what: "the file is incomplete: its last key is not end: true",
    help:
      "Write the complete file, with end: true as its last key. To stop using the marker, set " +
      "config.end_marker to false, or restart the gateway.",
  },
  6352: {
    what: "a file in tenants.d has no list of tenants",
    help: "Write the tenants under tenants:, or delete the file, or rename it so that its name does not end in .yaml.",
  },
  6354: {
    what: "a file changes while it is read",
    help: "Write the file beside its place and rename it, or wait until it is written.",
  },
  6373: {
    what: "a file of audit.forward is inside audit.dir, where every file belongs to the journal",
    help: "Name a file outside audit.dir, best on another disk.",
  },
  6374: {
    what: "a file of audit.forward is also used by something else",
    help: "Name a file of its own for each destination.",
  },
  6375: {
    what: "the gateway's user cannot write a file of audit.forward in its folder",
    help: "Correct the permissions for the gateway's user, and run check as that user; or correct the path.",
  },
};
