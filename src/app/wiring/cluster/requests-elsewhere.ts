/** What other nodes know of a client's request, for the client that asks this node; and what this node tells them. */
import type { Viewer } from "../../../admin/viewer.ts";
import type { PeerRequest } from "../../../admin/api/nodes/peers.ts";
import { noAnswerFrom } from "../../../admin/api/nodes/answers.ts";
import { refusalOf, type NodeAnswer, type Nodes } from "../../../admin/peers/nodes.ts";
import type { PipelineDeps } from "../../../gateway/pipeline.ts";
import {
  REQUEST_STATES,
  type FoundRequest,
  type KnownRequest,
  type RequestState,
} from "../../../gateway/requests/request-state.ts";

type Requests = NonNullable<PipelineDeps["requests"]>;

/** A client waits for it. */
const ANSWER_MS = 5000;
/** Of the gateway itself: the asking node compares client and tenant with its own caller. */
const GATEWAY: Viewer = { name: "a client of the gateway", roles: ["viewer"], tenants: "all", via: "token" };

/**
 * Asks all other nodes at once. `unclear`: at least one did not answer or cannot tell, and none has the request; so
 * that nobody is told there was none.
 */
export const requestsElsewhere =
  (nodes: Pick<Nodes, "askOthers" | "list">): NonNullable<Requests["elsewhere"]> =>
  async (id) => {
    const { trouble } = nodes.list();
    const question = { method: "GET", target: `/api/peers/requests/${id}` } as const;
    const answers = await nodes.askOthers(
      question,
      { viewer: GATEWAY, gone: new AbortController().signal },
      { ms: ANSWER_MS },
    );
    const found = answers.map((answer) => readFound(answer, id));
    const known = found.find((each) => each.known)?.known;
    const unclear = [...(trouble === undefined ? [] : [trouble]), ...found.flatMap((each) => each.unclear ?? [])];
    return { known, unclear: known || unclear.length === 0 ? undefined : unclear.join("; ") };
  };

const readFound = (answer: NodeAnswer, id: string): FoundRequest => {
  const { node } = answer;
  if ("reason" in answer) return { known: undefined, unclear: noAnswerFrom({ node, reason: answer.reason }) };
  if (answer.status !== 200) return { known: undefined, unclear: noAnswerFrom({ node, reason: refusalOf(answer) }) };
  const { known = null, unclear = null } = (answer.value ?? {}) as Partial<PeerRequest>;
  const request = known ? knownIn(known, id) : undefined;
  if (known && !request)
    return { known: undefined, unclear: noAnswerFrom({ node, reason: "its answer is not as expected" }) };
  return { known: request, unclear: unclear === null ? undefined : `${node}: ${String(unclear)}` };
};

/** Undefined if it is not one of this version. */
const knownIn = (known: NonNullable<PeerRequest["known"]>, id: string): KnownRequest | undefined => {
  const { client, tenant, state } = known;
  if (typeof client !== "string") return undefined;
  const isKnown = state === null || (state.id === id && (REQUEST_STATES as readonly string[]).includes(state.state));
  if (!isKnown) return undefined;
  return { client, tenant: tenant ?? undefined, state: (state as RequestState | null) ?? undefined };
};

/** For other nodes: from memory while it runs, from the journal afterwards. */
export const requestsHere =
  ({ running, ended }: Requests) =>
  async (id: string): Promise<PeerRequest> => {
    const now = running.find(id);
    const { known, unclear } = now ? { known: now, unclear: undefined } : await ended(id);
    return {
      known: known ? { client: known.client, tenant: known.tenant ?? null, state: known.state ?? null } : null,
      unclear: unclear ?? null,
    };
  };
