/** The side panel, which is filled with its sections once it is first seen. */
import { SidePanel as LabSidePanel } from '@jupyterlab/ui-components';
import type { ITranslator } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';

import { View } from '../context';
import type { Context } from '../context';
import { toolIcon } from '../icons';
import { Later } from '../later';
import type { Views } from '../later';

export class SidePanel extends LabSidePanel {
  constructor(
    private readonly _given: Context,
    translator: ITranslator
  ) {
    super({ translator });
    const { trans } = _given;
    this.id = 'tooinstance-panel';
    this.addClass('jp-TooInstance-panel');
    this.title.icon = toolIcon;
    this.title.caption = trans.__('Tools');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Tools and their runs'));
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._follow();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._follow();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._follow();
  }

  private _follow(): void {
    if (this.isVisible && !this._isBegun) {
      this._isBegun = true;
      this.header.addWidget(this._top());
    }
    if (this._sections) {
      this._sections.isShown = this.isVisible;
    }
  }

  private _top(): View {
    const search = (text: string) => {
      this._sections?.search(text);
    };
    return new View(
      this._given,
      <Later
        draw={({ Header }) => <Header onSearch={search} />}
        onLoaded={views => {
          this._fill(views);
        }}
      />
    );
  }

  private _fill({ Sections }: Views): void {
    // a panel that is moved to the other side draws its header anew
    this._sections ??= new Sections(this, this._given);
    this._follow();
  }

  private _isBegun = false;
  private _sections: InstanceType<Views['Sections']> | undefined;
}
