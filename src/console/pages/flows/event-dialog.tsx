/** An event of the journal that is no request, such as a switchover, in all its members. */
import { Dialog } from "../../parts/dialog.tsx";
import { Time } from "../../parts/time.tsx";
import { S } from "../../strings.ts";
import type { FlowRow } from "./flow-list.ts";
import { actionOf } from "./row-text.ts";

type Props = { readonly row: FlowRow; readonly onClose: () => void };

export const EventDialog = ({ row, onClose }: Props) => (
  <Dialog title={`${S.flows.event}: ${actionOf(row)}`} wide onClose={onClose}>
    <Time at={row.time} long />
    {row.entries.map((entry, place) => (
      <pre key={place} class="entry" tabIndex={0}>
        {JSON.stringify(entry, undefined, 2)}
      </pre>
    ))}
  </Dialog>
);
