/** How far a job is, for eyes and for screen readers. */
import { useId } from "preact/hooks";

type Props = { readonly label: string; readonly entries: number; readonly of: number; readonly says: string };

export const percentOf = ({ entries, of }: Pick<Props, "entries" | "of">): number =>
  of === 0 ? 100 : Math.floor((100 * entries) / of);

export const JobProgress = ({ label, entries, of, says }: Props) => {
  const id = useId();
  return (
    <span class="job-progress">
      <progress aria-label={label} aria-describedby={id} max={100} value={percentOf({ entries, of })} />
      <span id={id} class="number">
        {says}
      </span>
    </span>
  );
};
