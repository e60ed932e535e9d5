/** The signed checkpoints, newest first, with their signers, witnesses and sinks. */
import type { CheckpointRows } from "../../../admin/api/evidence/integrity.ts";
import { get } from "../../api.ts";
import { useChange, usePaged } from "../../load.ts";
import { whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { Time } from "../../parts/time.tsx";
import { Verdict } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";

type Checkpoint = CheckpointRows["checkpoints"][number];

const PAGE = 10;
const HEAD = [
  { says: S.integrity.covers, right: true },
  S.integrity.time,
  S.integrity.signer,
  S.integrity.elsewhere,
] as const;

/** `newest`: how many entries the last checkpoint covers. */
export const Checkpoints = ({ newest }: { readonly newest: number }) => {
  const { value, rows, error, again, isFirst, more } = usePaged(
    (cursor, signal) => get<CheckpointRows>("/api/integrity/checkpoints", { cursor, limit: PAGE }, signal),
    ({ checkpoints }) => checkpoints,
  );
  // Who reads older ones keeps them on screen.
  useChange(newest, () => isFirst && again());
  return (
    <section class="evidence-part" aria-labelledby="checkpoints">
      <div class="part-head">
        <h2 id="checkpoints">{S.integrity.checkpoints}</h2>
        {value && <span class="muted">{S.integrity.checkpointsHelp(whole(value.total))}</span>}
      </div>
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {rows.length > 0 ? (
        <PlainTable caption={S.integrity.checkpoints} head={HEAD}>
          {rows.map((row) => (
            <Row key={row.size} row={row} />
          ))}
        </PlainTable>
      ) : (
        error === undefined && <Skeleton rows={3} />
      )}
      {more && (
        <button type="button" class="more" onClick={more}>
          {S.integrity.older}
        </button>
      )}
    </section>
  );
};

const Row = ({ row: { size, time, key, cosigned, timestamp, published } }: { readonly row: Checkpoint }) => {
  const places = [
    ...published,
    ...cosigned.map(({ witness, valid }) => S.integrity.isCosigned(witness, valid)),
    ...(timestamp ? [S.integrity.isStamped(timestamp.time)] : []),
  ];
  return (
    <tr>
      <th scope="row" class="number right">
        {S.integrity.covered(size)}
      </th>
      <td>
        <Time at={time} long />
      </td>
      <td class="mono">
        <Verdict mark={key === null ? "bad" : "good"}>{key ?? S.integrity.noSigner}</Verdict>
      </td>
      <td class="wide">{places.length === 0 ? <span class="muted">{S.integrity.nowhere}</span> : places.join(", ")}</td>
    </tr>
  );
};
