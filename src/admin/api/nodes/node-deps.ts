/** What the routes about all nodes need. */
import { userOf } from "../../audit-parts.ts";
import type { AnswerHere, Nodes } from "../../peers/nodes.ts";
import { json } from "../../replies.ts";
import type { Viewer } from "../../viewer.ts";

export type NodeDeps = {
  /** Undefined where the config has no `shared`. */
  readonly nodes?: Nodes | undefined;
  readonly here: AnswerHere;
};

export const NO_SHARED = "the config has no shared database, so this node knows no others";
export const noShared = () => json(404, { error: NO_SHARED });

/** The viewer by the name that every node journals. Throws as `userOf` does. */
export const namedBy = (viewer: Viewer, claimed: string | undefined): Viewer => ({
  ...viewer,
  name: userOf(viewer, claimed),
});
