/** Witnesses and timestamps of the checkpoints, as `/api/status` has them. */
import type { Status } from "../../../admin/status.ts";
import type { OutsideEvidence } from "../journal/outside-evidence.ts";

type Evidence = Pick<OutsideEvidence, "witnesses" | "quorum" | "timestamps">;
type EvidenceStatus = Pick<Status["journal"], "witnesses" | "quorum" | "timestamp">;

export const evidenceOf = ({ witnesses, quorum, timestamps }: Evidence): EvidenceStatus => {
  const needed = quorum();
  const stamped = timestamps();
  return {
    witnesses: witnesses().map(({ age, trouble, ...each }) => ({
      ...each,
      age: age === undefined ? null : Math.round(age),
      trouble: trouble ?? null,
    })),
    quorum: needed && { needed: needed.needed, met: needed.isMet, size: needed.size },
    timestamp: stamped && {
      url: stamped.url,
      last: stamped.last
        ? { size: stamped.last.size, time: stamped.last.time, age: Math.round(stamped.last.age) }
        : null,
      trouble: stamped.trouble ?? null,
    },
  };
};
