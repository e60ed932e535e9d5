/** What is measured: a server in a process of its own in front of the upstream. */
import type { Certificates } from "../rig/certificates.ts";
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

/** The `ca` of a peer that speaks TLS to its clients when its upstream speaks HTTPS. */
export const caOf = ({ caPem }: Certificates, { tls }: Upstream): Pick<Peer, "ca"> => (tls ? { ca: caPem } : {});

export const isMissing = (started: Peer | { readonly missing: string }): started is { readonly missing: string } =>
  "missing" in started;
