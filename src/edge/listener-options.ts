/** The options of a listener. */
import type { BlockList } from "node:net";
import type { Limits } from "./connection-limits.ts";
import type { GuardRules } from "./request-guard.ts";
import type { TlsSettings } from "./tls.ts";
import type { TrustedProxies } from "./proxies/trusted-proxies.ts";

export type ListenerOptions = {
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The descriptor of a socket that already listens at this address. Closing the listener closes it. */
  readonly fd?: number | undefined;
  readonly tls: TlsSettings | undefined;
  /** host or host:port that the listener accepts in addition to its address and the certificate's names. */
  readonly names: readonly string[];
  /** Networks that may connect; every network when undefined. Checked against the TCP peer. */
  readonly allowFrom: BlockList | undefined;
  /** Proxies that are trusted to name the client's address, which limits and the journal use. */
  readonly trustedProxies?: TrustedProxies;
  /** Bytes. */
  readonly maxBody: number;
  /** Which requests may use HTTP/1.0, as old health checks do; default: none. */
  readonly allowsHttp10?: GuardRules["allowsHttp10"];
  readonly limits?: Limits;
  readonly timeouts?: ClientTimeouts;
  /** Called for each client that speaks HTTP in clear text to a TLS port. */
  readonly onPlainHttp?: () => void;
  /** Requests of connected clients are under way: TLS handshakes then leave time for them. Default: none ever are. */
  readonly isServing?: () => boolean;
};

/**
 * The client's timeouts in milliseconds: to send a request's head, to send the whole request, and to read a reply
 * (checked once a second).
 */
export type ClientTimeouts = { readonly head: number; readonly request: number; readonly reply: number };

export const DEFAULT_TIMEOUTS: ClientTimeouts = { head: 5000, request: 15_000, reply: 15_000 };
export const DEFAULT_LIMITS: Limits = { max: 10_000, maxPerSource: 4000 };
