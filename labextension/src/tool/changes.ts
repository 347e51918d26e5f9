/** What its owner changes of a tool in a form, until it is saved. */
import { useState } from 'react';

import { fullName } from '../api/types';
import type { Tool, ToolChanges } from '../api/types';
import { useGiven } from '../context';

export interface Changes {
  /** What is not saved yet; the rest shows as it is, by whomever it was set. */
  readonly changed: ToolChanges;
  /** Why it could not be saved. */
  readonly error: unknown;
  /** What was saved last, until something is changed again. */
  readonly saved: ToolChanges | undefined;
  readonly setSaved: (saved: ToolChanges) => void;
  readonly change: (changes: ToolChanges) => void;
  readonly discard: () => void;
  /** Save the changes, or some of them; return the tool as it is then, or nothing if it fails. */
  readonly save: (changes?: ToolChanges) => Promise<Tool | undefined>;
}

export function useChanges(tool: Tool): Changes {
  const { model } = useGiven();
  const [changed, setChanged] = useState<ToolChanges>({});
  const [error, setError] = useState<unknown>();
  const [saved, setSaved] = useState<ToolChanges>();
  return {
    changed,
    error,
    saved,
    setSaved,
    change: changes => {
      setChanged({ ...changed, ...changes });
      setError(undefined);
      setSaved(undefined);
    },
    discard: () => {
      setChanged({});
      setError(undefined);
    },
    save: async (changes = changed) => {
      try {
        const now = await model.api.updateTool(fullName(tool), changes);
        setChanged({});
        setError(undefined);
        setSaved(changes);
        return now;
      } catch (failure) {
        setError(failure);
        return undefined;
      }
    }
  };
}
