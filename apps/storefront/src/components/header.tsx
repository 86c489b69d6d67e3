import { catalog } from '../lib/gateway.ts';
import { type Language, messagesOf, pathIn } from '../lib/language.ts';
import { CartLink } from '../features/cart/cart-link.tsx';
import { Icon, Logo } from './icons.tsx';
import { ThemeButton } from './theme-button.tsx';

export async function Header({ language, path, isSignedIn, hasCart }: { language: Language; path: string; isSignedIn: boolean; hasCart: boolean }) {
  const m = messagesOf(language);
  const categories = await catalog.listCategories({ language }).catch(() => ({ items: [] }));
  const other: Language = language === 'fa' ? 'en' : 'fa';
  return (
    <header className="top">
      <a className="skip" href="#content">{m.nav.skip}</a>
      <div className="bar">
        <a className="logo" href={pathIn(language, '/')}>
          <Logo />
          {m.shop.name}
        </a>
        <form className="search" role="search" action={pathIn(language, '/products')}>
          <label className="hidden-text" htmlFor="q">{m.nav.search}</label>
          <input id="q" name="q" type="search" placeholder={m.nav.searchHint} maxLength={100} autoComplete="off" enterKeyHint="search" />
          <button type="submit" aria-label={m.nav.search}><Icon name="search" /></button>
        </form>
        <div className="tools">
          <ThemeButton label={m.nav.theme} />
          <a className="tool" href={pathIn(other, path)} lang={other} hrefLang={other}>
            <Icon name="globe" />
            <span className="label">{m.nav.language}</span>
          </a>
          <a className="tool" href={pathIn(language, isSignedIn ? '/orders' : '/sign-in')}>
            <Icon name="user" />
            <span className="label">{isSignedIn ? m.nav.orders : m.nav.signIn}</span>
          </a>
          <CartLink href={pathIn(language, '/cart')} label={m.nav.cart} language={language} isKnown={hasCart || isSignedIn} />
        </div>
      </div>
      <nav className="menu" aria-label={m.nav.menu}>
        <a href={pathIn(language, '/products')}>{m.nav.products}</a>
        {categories.items.map((category) => (
          <a key={category.id} href={pathIn(language, `/c/${category.slug}`)}>{category.title}</a>
        ))}
      </nav>
    </header>
  );
}
