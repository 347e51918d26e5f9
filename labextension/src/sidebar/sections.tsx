/** The sections of the side panel: tools of three scopes, and runs. What stands in one is left to each. */
import {
  CommandToolbarButton,
  Toolbar,
  ToolbarButtonComponent,
  addToolbarButtonClass,
  refreshIcon
} from '@jupyterlab/ui-components';
import type { SidePanel } from '@jupyterlab/ui-components';
import { AccordionPanel } from '@lumino/widgets';
import type { Widget } from '@lumino/widgets';
import type { ReactElement } from 'react';

import { CommandIDs } from '../command-ids';
import { View } from '../context';
import type { Context } from '../context';
import type { PagedList } from '../pages';
import { Count } from './count';
import { HowTo } from './how-to';
import { RunListing, ToolListing } from './listings';
import { RunsSection } from './runs';
import { ToolsSection } from './tools';

/** The part of the panel that an open section has at least once it has been opened. */
const SMALLEST_PART = 0.15;

/** A section, whose toolbar stands in its title. */
class Section extends View {
  readonly toolbar = new Toolbar();
}

export class Sections {
  constructor(
    private readonly _panel: SidePanel,
    private readonly _given: Context
  ) {
    const { model, trans } = _given;
    const mine = new ToolListing(model, 'mine');
    const shared = new ToolListing(model, 'shared');
    const all = new ToolListing(model, 'public');
    const runs = new RunListing(model);
    this._listings = [mine, shared, all, runs];

    const { toolbar } = this._addSection(
      trans.__('My tools'),
      'mine',
      <ToolsSection listing={mine} />
    );
    this._addCount(toolbar, mine.list);
    toolbar.addItem('new', this._newTool());
    this._addRefresh(toolbar, 'mine', mine.list);
    for (const [title, name, listing] of [
      [trans.__('Shared with me'), 'shared', shared],
      [trans.__('Public'), 'public', all]
    ] as const) {
      const section = this._addSection(
        title,
        name,
        <ToolsSection listing={listing} />
      );
      this._addCount(section.toolbar, listing.list);
      this._addRefresh(section.toolbar, name, listing.list);
      this._collapse(section);
    }
    const history = this._addSection(
      trans.__('Runs'),
      'runs',
      <RunsSection listing={runs} />
    );
    this._addCount(history.toolbar, runs.list);
    this._addRefresh(history.toolbar, 'runs', runs.list);
    const howTo = this._addSection(trans.__('How to use'), 'how-to', <HowTo />);
    this._collapse(howTo);
    this._openOnceEmpty(howTo, mine);
    if (_panel.content instanceof AccordionPanel) {
      _panel.content.expansionToggled.connect(giveRoom);
    }
  }

  /** Whether they can be seen; what cannot be seen is not read. */
  set isShown(isShown: boolean) {
    for (const listing of this._listings) {
      listing.isShown = isShown;
    }
  }

  /** Show what a text is found in. */
  search(text: string): void {
    for (const listing of this._listings) {
      listing.text = text;
    }
    // what is found must not stay behind a closed title
    if (text !== '') {
      for (const section of this._panel.widgets.slice(
        0,
        this._listings.length
      )) {
        this._expand(section);
      }
    }
  }

  private _addSection(
    title: string,
    name: string,
    view: ReactElement
  ): Section {
    const section = new Section(this._given, view);
    section.title.label = title;
    section.id = `tooinstance-${name}`;
    section.addClass('jp-TooInstance-section');
    this._panel.addWidget(section);
    return section;
  }

  private _addCount<T>(toolbar: Toolbar, list: PagedList<T>): void {
    toolbar.addItem('count', new View(this._given, <Count list={list} />));
  }

  private _newTool(): Widget {
    const { commands, trans } = this._given;
    return new CommandToolbarButton({
      commands,
      id: CommandIDs.create,
      label: '',
      caption: trans.__('New tool from a git link')
    });
  }

  private _addRefresh<T>(
    toolbar: Toolbar,
    name: string,
    list: PagedList<T>
  ): void {
    // a ToolbarButton would be a toggle to screen readers
    const button = new View(
      this._given,
      <ToolbarButtonComponent
        icon={refreshIcon}
        tooltip={this._given.trans.__('Read the list again')}
        dataset={{ 'data-testid': `tooi-refresh-${name}` }}
        onClick={() => {
          list.refresh();
        }}
      />
    );
    toolbar.addItem('refresh', addToolbarButtonClass(button));
  }

  /** Show how to begin to whoever has no tool yet. */
  private _openOnceEmpty(howTo: Section, listing: ToolListing): void {
    const { list } = listing;
    const slot = () => {
      if (!list.isNew) {
        list.changed.disconnect(slot);
        if (list.items.length === 0 && listing.text === '') {
          this._expand(howTo);
        }
      }
    };
    list.changed.connect(slot);
  }

  private _collapse(section: Widget): void {
    if (this._panel.content instanceof AccordionPanel) {
      this._panel.content.collapse(
        this._panel.content.widgets.indexOf(section)
      );
    }
  }

  private _expand(section: Widget): void {
    if (this._panel.content instanceof AccordionPanel) {
      this._panel.content.expand(this._panel.content.widgets.indexOf(section));
    }
  }

  private readonly _listings: readonly (ToolListing | RunListing)[];
}

/** Give a section that has just been opened its share: the panel gives none to what was never open. */
function giveRoom(content: AccordionPanel, index: number): void {
  const { widgets } = content;
  const size = content.relativeSizes().at(index) ?? 0;
  if (widgets[index].isVisible && size < SMALLEST_PART) {
    content.setRelativeSizes(widgets.map(({ isHidden }) => (isHidden ? 0 : 1)));
  }
}
