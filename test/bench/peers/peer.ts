/** What is measured: a server in a process of its own in front of the upstream. */
import type { Child } from "../rig/processes.ts";
import type { Rig, Upstream } from "../rig/rig.ts";

export type Peer = {
  readonly port: number;
  /** The CA of its certificate when it speaks TLS, PEM. */
  readonly ca?: string;
  readonly child: Child;
};

/** Resolves to why there is no such peer on this machine, or to the peer once it answers. */
export type StartPeer = (rig: Rig, upstream: Upstream) => Promise<Peer | { readonly missing: string }>;

export const isMissing = (started: Peer | { readonly missing: string }): started is { readonly missing: string } => "missing" in started;
