/** The journal by day: entries, files, and whether they are verified. */
import type { Days as DaysReply } from "../../../admin/api/evidence/integrity.ts";
import { get } from "../../api.ts";
import { usePaged } from "../../load.ts";
import { bytes, whole } from "../../parts/data/numbers.ts";
import { PlainTable } from "../../parts/data/plain-table.tsx";
import { ErrorStrip, Skeleton } from "../../parts/states.tsx";
import { Verdict, type Mark } from "../../parts/data/verdict.tsx";
import { S } from "../../strings.ts";

type Day = DaysReply["days"][number];

const MARKS: Readonly<Record<Day["verified"], Mark>> = { yes: "good", partly: "none", no: "none" };

const HEAD = [
  S.integrity.day,
  S.integrity.range,
  { says: S.integrity.number, right: true },
  S.integrity.segments,
  { says: S.integrity.size, right: true },
  S.integrity.verified,
  S.integrity.signedAt,
] as const;

export const Days = () => {
  const { rows, error, again, more } = usePaged(
    (cursor, signal) => get<DaysReply>("/api/integrity/days", { cursor }, signal),
    ({ days }) => days,
  );
  return (
    <section class="evidence-part" aria-labelledby="days">
      <h2 id="days">{S.integrity.days}</h2>
      {error !== undefined && <ErrorStrip error={error} retry={again} />}
      {rows.length > 0 ? (
        <PlainTable caption={S.integrity.days} head={HEAD}>
          {rows.map((day) => (
            <Row key={day.from} day={day} />
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

const Row = ({ day }: { readonly day: Day }) => (
  <tr>
    <th scope="row" class="number">
      {day.day ?? S.integrity.unknownDay}
    </th>
    <td class="number">{S.integrity.rangeOf(whole(day.from), whole(day.to - 1))}</td>
    <td class="number right">{whole(day.to - day.from)}</td>
    <td class="number">
      {whole(day.segments)}
      {day.compressed > 0 && S.integrity.compressed(day.compressed)}
      {!day.lines && ` (${S.integrity.onlyHashes})`}
    </td>
    <td class="number right">{bytes(day.bytes)}</td>
    <td>
      <Verdict mark={MARKS[day.verified]}>{S.integrity.verifiedOf[day.verified]}</Verdict>
    </td>
    <td class="number">{day.checkpoint === null ? "" : S.integrity.covered(day.checkpoint)}</td>
  </tr>
);
