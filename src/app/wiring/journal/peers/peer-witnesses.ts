/**
 * Gateways that share a database are each other's witnesses: each asks all others that live to cosign its checkpoints,
 * and cosigns theirs, so that root on one machine cannot rewrite its journal unnoticed.
 */
import type { KeyObject } from "node:crypto";
import { join } from "node:path";
import { CosignatureRequests } from "../../../../cluster/cosignature-requests.ts";
import type { ClusterNode } from "../../../../cluster/membership.ts";
import { SerialQueue } from "../../../../common/serial-queue.ts";
import type { Alarm } from "../../../../journal/entry.ts";
import { replaceWhole } from "../../../../journal/disk.ts";
import { loadOrCreateKey } from "../../../../journal/integrity/checkpoints/checkpoint.ts";
import { verifierKey, witnessKey } from "../../../../journal/integrity/checkpoints/signed-note.ts";
import { WitnessClient, type WitnessState } from "../../../../journal/integrity/witness/witness-client.ts";
import type { Timing } from "../../../../journal/integrity/witness/retry.ts";
import type { Journal } from "../../../../journal/journal.ts";
import { paths } from "../../../../journal/paths.ts";
import { COSIGNED_FOR_OTHERS, WITNESSES } from "../../../../journal/write/open-checked.ts";
import type { ShutdownSteps } from "../../../shutdown.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { reportNews, type OutsideEvidence, type WitnessSizes } from "../outside-evidence.ts";
import { ACCEPTED, PeerCosigner, reasonOfOpening } from "./cosigner.ts";
import { readIdentity } from "./known-journals.ts";

export type PeerParts = {
  readonly cluster: Pick<Cluster, "node"> & {
    readonly database: ConstructorParameters<typeof CosignatureRequests>[0];
    readonly membership: Pick<Cluster["membership"], "nodes" | "observe" | "tell">;
  };
  readonly journal: Pick<Journal, "dir" | "disk" | "append" | "note" | "openedFrom">;
  readonly outside: OutsideEvidence;
  readonly sizes: WitnessSizes;
  readonly signer: { readonly key: KeyObject; readonly origin: string };
  readonly alarm: (alarm: Omit<Alarm, "kind">) => void;
  readonly timing?: Timing | undefined;
  /** How often requests are looked for without a notification, in milliseconds. */
  readonly pollMs?: number;
};

export type PeerWitnesses = {
  /** Accepts the journal that a gateway has now. Resolves to a text if that cannot be done. */
  readonly accept: (node: string, user: string, purpose: string) => Promise<string | undefined>;
  /** Entries that this gateway has cosigned for that one. */
  readonly cosignedFor: (node: string) => number | undefined;
};

/** The part of a gateway's details. */
const PART = "journal";
const POLL_MS = 5000;

export const startPeerWitnesses = async (parts: PeerParts, stops: ShutdownSteps): Promise<PeerWitnesses> => {
  const { cluster, journal, outside, sizes, signer, alarm } = parts;
  const { membership, node: self } = cluster;
  const folder = paths(journal.dir).peers;
  // Beside the records of what it signed: the checkpoint key's folder may be read-only.
  const key = await loadOrCreateKey(join(folder, "witness.pem"));
  const own = { name: signer.origin, key };
  const identity = {
    origin: signer.origin,
    key: verifierKey(signer.origin, signer.key),
    witness: witnessKey(own.name, own.key),
  };
  await replaceWhole(journal.disk, join(folder, "witness.pub"), Buffer.from(`${identity.witness}\n`));
  const requests = new CosignatureRequests(cluster.database, self);
  const others = (): readonly ClusterNode[] => membership.nodes.filter(({ name }) => name !== self);
  const tell = (): void =>
    membership.tell(PART, {
      ...identity,
      cosigned: Object.fromEntries(others().flatMap(({ name }) => entryOf(name, cosigner?.sizeFor(name)))),
      faults: Object.fromEntries(cosigner?.faults ?? []),
    });
  let cosigner: PeerCosigner | undefined;
  let trouble: string | undefined;
  try {
    cosigner = await PeerCosigner.open({
      dir: journal.dir,
      own,
      saved: journal.openedFrom.beside[COSIGNED_FOR_OTHERS],
      identityOf: (name) => {
        const found = others().find((each) => each.name === name && each.state === "live");
        return readIdentity(found?.details[PART]);
      },
      alarm,
      changed: () => tell(),
    });
  } catch (error) {
    trouble = reasonOfOpening(error);
    alarm({ reason: "this gateway cannot cosign the journals of others", detail: trouble });
  }
  const clients = new PeerClients(parts, requests);
  sizes.peers = {
    save: () => Object.fromEntries(clients.states().map(({ witness, size }) => [witness, size])),
    saveForOthers: () => cosigner?.save() ?? journal.openedFrom.beside[COSIGNED_FOR_OTHERS] ?? null,
  };
  tell();
  const queue = new SerialQueue();
  const serve = (): void =>
    void queue
      .run(async () => {
        for (const { id, node, request } of cosigner ? await requests.waiting() : []) {
          const reply = await cosigner!.answer({ node, request });
          if (reply) await requests.answer(id, reply);
        }
      })
      // The next notification or poll tries again; the gateway that asks reports that it got no answer.
      .catch(() => undefined);
  const unlisten = requests.listen(serve);
  const timer = setInterval(serve, parts.pollMs ?? POLL_MS).unref();
  const unobserve = membership.observe({
    onChange: () => {
      clients.follow(others());
      serve();
    },
  });
  clients.follow(others());
  const end = outside.also({
    submit: clients.submit,
    states: clients.states,
    troubles: () => [
      ...(trouble === undefined ? [] : [trouble]),
      ...(cosigner?.faults.values() ?? []),
      ...clients.states().flatMap((state) => state.trouble ?? []),
    ],
  });
  stops.push(async () => {
    end();
    unobserve();
    unlisten();
    clearInterval(timer);
    await clients.stop();
    await queue.idle();
  });
  return {
    cosignedFor: (node) => cosigner?.sizeFor(node),
    accept: async (node, user, purpose) => {
      const anchor = (await cosigner?.accept(node)) ?? trouble;
      if (typeof anchor === "string") return anchor;
      await journal.append({ kind: "alarm", reason: ACCEPTED, detail: `node ${node}`, user, purpose, anchor });
      return undefined;
    },
  };
};

const entryOf = (name: string, size: number | undefined): [string, number][] =>
  size === undefined ? [] : [[name, size]];

/** One client for each other gateway that lives and tells its witness key. */
class PeerClients {
  readonly #parts: PeerParts;
  readonly #requests: CosignatureRequests;
  readonly #clients = new Map<string, { readonly key: string; readonly client: WitnessClient }>();
  #last: string | undefined;

  constructor(parts: PeerParts, requests: CosignatureRequests) {
    this.#parts = parts;
    this.#requests = requests;
  }

  readonly states = (): readonly WitnessState[] => [...this.#clients.values()].map(({ client }) => client.state);

  readonly submit = (note: string): void => {
    this.#last = note;
    for (const { client } of this.#clients.values()) client.submit(note);
  };

  follow(nodes: readonly ClusterNode[]): void {
    const live = new Map(
      nodes.flatMap(({ name, state, details }) => {
        const told = state === "live" ? readIdentity(details[PART]) : undefined;
        return told ? [[name, told.witness] as const] : [];
      }),
    );
    for (const [name, { key, client }] of this.#clients)
      if (live.get(name) !== key) {
        this.#clients.delete(name);
        void client.stop();
      }
    for (const [name, key] of live) {
      if (this.#clients.has(name)) continue;
      const client = this.#clientFor(name, key);
      if (client) this.#clients.set(name, { key, client });
      if (client && this.#last !== undefined) client.submit(this.#last);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#clients.values()].map(({ client }) => client.stop()));
  }

  /** Undefined for a key that cannot be read. */
  #clientFor(name: string, key: string): WitnessClient | undefined {
    const { journal, outside, sizes, timing } = this.#parts;
    try {
      return new WitnessClient({
        ...outside.shared,
        address: { url: `node ${name}`, key },
        saved: { ...(journal.openedFrom.beside[WITNESSES] as object | null), ...sizes.peers?.save() },
        onNews: reportNews(journal),
        changed: () => undefined,
        timing,
        send: async (body, signal) => {
          const { status, type, text } = await this.#requests.ask(name, body, signal);
          return { status, type: type.split(";")[0]!, body: Buffer.from(text) };
        },
      });
    } catch {
      return undefined;
    }
  }
}
