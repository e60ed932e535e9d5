/** The limit of look-ups by a person, and the alarm of who reaches it. */
import type { LookUps } from "../../../../admin/api/evidence/look-ups.ts";
import { LookUpLimit } from "../../../../admin/look-up-limit.ts";
import { events } from "../../../../common/log/events.ts";
import type { Journal } from "../../../../journal/journal.ts";
import type { Settings } from "../../../../settings/schema/schema.ts";

type Deps = { readonly journal: Pick<Journal, "note">; readonly settings: () => Settings };

const UNLIMITED = { allowed: true, headers: [], remember: () => undefined } as const;

/** A program with the token is not limited: the token names nobody. */
export const limitLookUps = ({ journal, settings }: Deps): LookUps => {
  const limit = new LookUpLimit(() => settings().admin!.look_ups);
  return {
    take: ({ name, via }, tokens) => {
      if (via === "token") return UNLIMITED;
      const { isNew, ...taken } = limit.take(name, tokens);
      if (isNew) {
        events.lookUpsLimited({ user: name });
        journal.note({ kind: "alarm", reason: "a person reached the limit of look-ups", detail: name });
      }
      return taken;
    },
  };
};
