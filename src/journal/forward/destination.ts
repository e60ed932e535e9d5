/** Where journal entries are forwarded to, and in which form: an entry of `audit.forward`. */
import type { Kind } from "../entry.ts";

export type ForwardAddress =
  | { readonly kind: "file"; readonly path: string }
  | {
      /** `syslog`: one syslog message each (RFC 5426, 6587, 5425). `lines`: one line each. */
      readonly kind: "syslog" | "lines";
      readonly protocol: "udp" | "tcp" | "tls";
      readonly host: string;
      readonly port: number;
    };

export type Destination = {
  /** Its position belongs to this name, also when the address changes. */
  readonly name: string;
  readonly to: ForwardAddress;
  readonly format: "rfc5424" | "ocsf";
  /** Paths of PEM files, read at each connection. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
    readonly server_name: string | null;
  } | null;
  /** The kinds to forward; null: all. */
  readonly kinds: readonly Kind[] | null;
  /** The first entry when there is no position yet. */
  readonly from: "now" | "beginning";
  readonly enterprise_number: number;
};

/** As the config has it. */
export const addressText = (to: ForwardAddress): string => {
  if (to.kind === "file") return `file:${to.path}`;
  const host = to.host.includes(":") ? `[${to.host}]` : to.host;
  return `${to.kind === "syslog" ? "syslog:" : ""}${to.protocol}://${host}:${to.port}`;
};
