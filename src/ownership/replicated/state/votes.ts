/**
 * Which gateways' connections to OCS prove that its present life goes on. A connection that has never broken proves it
 * for all gateways: so when one of them loses its connections and connects again, handles stay confirmed.
 *
 * A new connection alone proves nothing, because OCS may have been restarted just before. It counts once a gateway with
 * an older connection vouches for it: that one is open, so OCS is the one of before. A connection may be open to a dead
 * host for some seconds, so it is only after those that the new one replaces the older one as a proof.
 *
 * A gateway that reports another OCS than the log's waits until no gateway is connected to the log's any more: then
 * that OCS has taken over. So there is one epoch, whatever gateways see.
 */

export type Vote = {
  readonly instance: string;
  readonly node: string;
  readonly endpoint: string;
  /** The number of the event `connected`. */
  readonly connected: number;
  /** It proves the life of OCS since this event. */
  readonly since: number;
  /** False for a new connection until a gateway with an older one vouches for it. */
  readonly isTrusted: boolean;
};

/** `unconfirm`: OCS may have been restarted. `takeover`: the new active OCS. */
export type VoteEffect = "unconfirm" | { readonly takeover: string } | undefined;

export class Votes {
  readonly #votes: Map<string, Vote>;
  #endpoint: string | undefined;

  /** `endpoint`: the active OCS of the log; undefined until a gateway has found one. */
  constructor(endpoint: string | undefined, votes: readonly Vote[] = []) {
    this.#endpoint = endpoint;
    this.#votes = new Map(votes.map((vote) => [vote.instance, vote]));
  }

  get endpoint(): string | undefined {
    return this.#endpoint;
  }

  get all(): readonly Vote[] {
    return [...this.#votes.values()];
  }

  of(instance: string): Vote | undefined {
    return this.#votes.get(instance);
  }

  /** True if the run is connected to the log's OCS, and it is certain which of its lives that is. */
  isTrusted(instance: string): boolean {
    const vote = this.#votes.get(instance);
    return vote !== undefined && vote.isTrusted && vote.endpoint === this.#endpoint;
  }

  connect({ instance, node }: Pick<Vote, "instance" | "node">, endpoint: string, seq: number): VoteEffect {
    const isFirst = this.#endpoint === undefined;
    // Its earlier connection has ended, even if it could not say so.
    const before = this.#votes.get(instance);
    this.#votes.delete(instance);
    const others = this.#voters();
    const lost = before && before.endpoint === this.#endpoint ? this.#afterLoss(before, others, seq) : undefined;
    this.#endpoint ??= endpoint;
    this.#votes.set(instance, { instance, node, endpoint, connected: seq, since: seq, isTrusted: false });
    if (others.length > 0) return lost;
    if (endpoint !== this.#endpoint) return this.#takeOver(endpoint, seq);
    this.#trustAll(seq);
    return isFirst ? undefined : "unconfirm";
  }

  /** The run has lost its connections, or is dead. */
  lose(instance: string, seq: number): VoteEffect {
    const vote = this.#votes.get(instance);
    if (!vote) return undefined;
    this.#votes.delete(instance);
    if (vote.endpoint !== this.#endpoint) return undefined;
    const others = this.#voters();
    if (others.length > 0) return this.#afterLoss(vote, others, seq);
    const [candidate] = this.#votes.values();
    return candidate && this.#takeOver(candidate.endpoint, seq);
  }

  /** `by` says that its connection was open before and after the other run connected at `connected`. */
  vouch(by: string, { instance, connected, lasting }: Vouch): void {
    const [voucher, vote] = [this.#votes.get(by), this.#votes.get(instance)];
    if (!this.isTrusted(by) || !voucher || vote?.connected !== connected || vote.endpoint !== this.#endpoint) return;
    if (voucher.since > vote.since) return;
    const since = lasting ? voucher.since : vote.since;
    this.#votes.set(instance, { ...vote, since, isTrusted: true });
  }

  #voters(): readonly Vote[] {
    return this.all.filter(({ endpoint }) => endpoint === this.#endpoint);
  }

  /** The life of OCS goes on for certain only if another connection proves it for as long as the lost one did. */
  #afterLoss(lost: Vote, others: readonly Vote[], seq: number): VoteEffect {
    if (!lost.isTrusted || others.some(({ isTrusted, since }) => isTrusted && since <= lost.since)) return undefined;
    if (others.length === 0) return undefined;
    this.#trustAll(seq);
    return "unconfirm";
  }

  #takeOver(endpoint: string, seq: number): VoteEffect {
    this.#endpoint = endpoint;
    this.#trustAll(seq);
    return { takeover: endpoint };
  }

  #trustAll(seq: number): void {
    for (const vote of this.#voters()) this.#votes.set(vote.instance, { ...vote, since: seq, isTrusted: true });
  }
}

export type Vouch = Pick<Vote, "instance" | "connected"> & { readonly lasting: boolean };
