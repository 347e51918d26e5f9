/** The names of the commands, for those who execute them. */
export const CommandIDs = {
  /** Opens the form that makes a tool; `source` is the link to begin with. */
  create: 'tooinstance:create',
  /** Opens the form that runs the tool named `tool`; `draft` is what it begins with. */
  run: 'tooinstance:run',
  /** Opens the tool named `tool`. */
  openTool: 'tooinstance:open-tool',
  /** Opens the run whose `number` is given. */
  openRun: 'tooinstance:open-run',
  /** Opens the place that its arguments are; for restoring. */
  open: 'tooinstance:open',
  /** Builds the tool named `tool` anew; with `force`, what was built from the same commit too. */
  rebuild: 'tooinstance:rebuild',
  /** Opens the tool named `tool` where one says who else sees it. */
  shareTool: 'tooinstance:share-tool',
  /** Deletes the tool named `tool`, once that has been confirmed. */
  deleteTool: 'tooinstance:delete-tool',
  /** Puts a cell that runs the `tool` with the command `line` into the current notebook. */
  insert: 'tooinstance:insert-into-notebook',
  /** Saves the `tool`, or the run of a `number`, in a form: `ipynb`, `html`, `zip` or `crate`. */
  export: 'tooinstance:export',
  /** Saves the output of the run whose `number` is given. */
  download: 'tooinstance:download-run',
  /** Shows the side panel. */
  show: 'tooinstance:show'
} as const;
