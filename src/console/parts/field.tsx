/** A labelled field of a form, and the purpose that people with a session must give. */
import type { ComponentChildren } from "preact";
import { person } from "../session.ts";

type Props = { readonly label: string; readonly help?: string; readonly children: ComponentChildren };

export const Field = ({ label, help, children }: Props) => (
  <label class="field">
    <span class="field-label">{label}</span>
    {children}
    {help !== undefined && <span class="field-help">{help}</span>}
  </label>
);

type PurposeProps = {
  readonly label: string;
  readonly help?: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
};

/** The token names nobody, so whoever holds it may leave the purpose out. */
export const isPurposeNeeded = (): boolean => person()?.via === "session";

export const PurposeField = ({ value, onInput, ...field }: PurposeProps) => (
  <Field {...field}>
    <input
      type="text"
      maxLength={500}
      autocomplete="off"
      required={isPurposeNeeded()}
      value={value}
      onInput={({ currentTarget }) => onInput(currentTarget.value)}
    />
  </Field>
);

/** As the API wants it: absent if it is empty. */
export const purposeIn = (value: string): { readonly purpose?: string } =>
  value.trim() === "" ? {} : { purpose: value.trim() };
