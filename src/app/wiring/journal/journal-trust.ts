/** What the journal is checked against besides its directory, from settings: for the gateway and writing commands. */
import type { KeyObject } from "node:crypto";
import { events } from "../../../common/log/events.ts";
import { defaultAnchor } from "../../../journal/integrity/checkpoints/anchor.ts";
import { signingKey } from "../../../journal/integrity/checkpoints/checkpoint.ts";
import type { PublishedCheckpoints, Trust } from "../../../journal/integrity/signed-evidence.ts";
import type { Settings } from "../../../settings/schema/schema.ts";

type Place = Pick<Settings, "audit">;

export const anchorOf = ({ audit }: Place): string => audit.checkpoint.anchor ?? defaultAnchor(audit.dir);

/** The key that signs the journal. A new key is logged. Rejects with a message for the operator. */
export const signingKeyOf = ({
  audit: {
    dir,
    checkpoint: { key: path, origin },
  },
}: Place): Promise<KeyObject> =>
  signingKey({
    dir,
    path,
    origin,
    made: (verifierKey) => events.checkpointKeyCreated({ file: path, verifier_key: verifierKey }),
  });

/** `published`: the checkpoints read from the sinks. */
export const trustOf = (settings: Place, key: KeyObject, published: readonly PublishedCheckpoints[]): Trust => ({
  key,
  origin: settings.audit.checkpoint.origin,
  anchor: anchorOf(settings),
  published,
});
