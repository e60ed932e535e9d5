/** Counts what was tried between each two tenants, and keeps what failed. */
import type { ProofFailure, ProofPair, ProofResource } from "../../admin/api/evidence/isolation-proofs.ts";
import type { Canary } from "./canaries.ts";
import { requestText, type Answer, type Sent } from "./exchange.ts";

/** Failures of a resource that a report shows, of the config's clients and of the proof's own; more are counted. */
const MOST_FAILURES = 8;
/** Characters of an answer in a report. All phone numbers in it are made by the proof. */
const MOST_ANSWER = 4000;

export type Tried = {
  readonly from: Canary;
  readonly to: Canary;
  readonly resource: ProofResource;
  readonly says: string;
  readonly client: string;
  readonly sent: Sent;
  readonly answer: Answer | undefined;
  /** Why the tenants are not apart; undefined: they are. */
  readonly fault: string | undefined;
};

type Count = { passed: number; failed: number; open: number };

export class Tally {
  readonly #pairs = new Map<string, { from: number; to: number; of: Map<ProofResource, Count> }>();
  readonly failures: ProofFailure[] = [];
  moreFailures = 0;
  /** What the config does not separate, one sentence each. */
  readonly open = new Set<string>();
  /** What could not be tried. */
  readonly untried = new Set<string>();
  /** Why a pass would prove nothing. */
  readonly missing = new Set<string>();

  add({ from, to, resource, says, client, sent, answer, fault }: Tried): void {
    const count = this.#countOf(from, to, resource);
    if (fault === undefined) return void count.passed++;
    count.failed++;
    const shown = client === from.client || client === from.auditor ? null : client;
    const alike = this.failures.filter(
      (each) => each.resource === resource && (each.client === null) === (shown === null),
    );
    if (alike.length >= MOST_FAILURES) return void this.moreFailures++;
    this.failures.push({
      from: from.tenant.name,
      to: to.tenant.name,
      resource,
      client: shown,
      says,
      why: fault,
      request: requestText(sent),
      answer: answer ? answer.text.slice(0, MOST_ANSWER) : null,
    });
  }

  /** The config does not separate the two. */
  leaveOpen(from: Canary, to: Canary, resource: ProofResource, why: string): void {
    this.#countOf(from, to, resource).open++;
    this.open.add(why);
  }

  pairs(): ProofPair[] {
    return [...this.#pairs.values()].map(({ from, to, of }) => ({
      from,
      to,
      cells: [...of].map(([resource, count]) => ({ resource, ...count })),
    }));
  }

  #countOf({ place: from }: Canary, { place: to }: Canary, resource: ProofResource): Count {
    const key = `${from} ${to}`;
    let pair = this.#pairs.get(key);
    if (!pair) this.#pairs.set(key, (pair = { from, to, of: new Map() }));
    let count = pair.of.get(resource);
    if (!count) pair.of.set(resource, (count = { passed: 0, failed: 0, open: 0 }));
    return count;
  }
}
