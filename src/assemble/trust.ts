/** What vouches for the journal besides its directory, from settings: for the gateway and all commands that write. */
import type { KeyObject } from "node:crypto";
import { events } from "../events.ts";
import { defaultAnchor } from "../journal/anchor.ts";
import { signingKey } from "../journal/checkpoint.ts";
import type { Published, Trust } from "../journal/evidence.ts";
import type { Settings } from "../settings/schema.ts";

type Place = Pick<Settings, "audit">;

export const anchorOf = ({ audit }: Place): string => audit.checkpoint.anchor ?? defaultAnchor(audit.dir);

/** What signs the journal. One that is made is announced. Rejects in words. */
export const signingKeyOf = ({
  audit: {
    dir,
    checkpoint: { key: path, origin },
  },
}: Place): Promise<KeyObject> =>
  signingKey({ dir, path, origin, made: (verifierKey) => events.checkpointKeyMade(path, verifierKey) });

/** `published`: what was read from the second places. */
export const trustOf = (settings: Place, key: KeyObject, published: readonly Published[]): Trust => ({
  key,
  origin: settings.audit.checkpoint.origin,
  anchor: anchorOf(settings),
  published,
});
