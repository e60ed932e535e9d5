import { useEffect, useRef } from "preact/hooks";
import { copyByHand } from "../clipboard.ts";
import { Dialog } from "../parts/dialog.tsx";
import { S } from "../strings.ts";

/** For browsers and hosts where pages may not copy. */
export const CopyDialog = ({ text }: { readonly text: string }) => {
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <Dialog title={S.copy.title} wide onClose={() => (copyByHand.value = undefined)}>
      <p>{S.copy.select}</p>
      <textarea ref={field} class="mono" readOnly rows={12} aria-label={S.copy.title} value={text} />
    </Dialog>
  );
};
