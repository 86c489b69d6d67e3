import { catalog } from '../lib/gateway.ts';
import { type Language, messagesOf, pathIn } from '../lib/language.ts';
import { CartLink } from '../features/cart/cart-link.tsx';
import { Icon, Logo } from './icons.tsx';
import { SearchBox } from './search-box.tsx';
import { type Theme, ThemeButton } from './theme-button.tsx';

interface Props {
  language: Language;
  path: string;
  theme: Theme;
  isSignedIn: boolean;
  hasCart: boolean;
}

export async function Header({ language, path, theme, isSignedIn, hasCart }: Props) {
  const m = messagesOf(language);
  const categories = await catalog.listCategories({ language }).catch(() => ({ items: [] }));
  const other: Language = language === 'fa' ? 'en' : 'fa';
  return (
    <header className="top">
      <a className="skip" href="#content">
        {m.nav.skip}
      </a>
      <div className="bar">
        <a className="logo" href={pathIn(language, '/')}>
          <Logo />
          {m.shop.name}
        </a>
        <SearchBox
          language={language}
          label={m.nav.search}
          hint={m.nav.searchHint}
          words={{ suggestions: m.nav.suggestions, didYouMean: m.list.didYouMean, from: m.list.from, out: m.list.out }}
          regions={m.regions}
        />
        <div className="tools">
          <ThemeButton label={m.nav.theme} names={m.nav.themes} initial={theme} />
          <a className="tool" href={pathIn(other, path)} lang={other} hrefLang={other}>
            <Icon name="globe" />
            <span className="label">{m.nav.language}</span>
          </a>
          <a className="tool" href={pathIn(language, isSignedIn ? '/orders' : '/sign-in')}>
            <Icon name="user" />
            <span className="label">{isSignedIn ? m.nav.orders : m.nav.signIn}</span>
          </a>
          {isSignedIn && (
            <a
              className="tool"
              href={pathIn(language, '/wallet')}
              aria-current={path === '/wallet' ? 'page' : undefined}
            >
              <Icon name="wallet" />
              <span className="label">{m.nav.wallet}</span>
            </a>
          )}
          <CartLink
            href={pathIn(language, '/cart')}
            label={m.nav.cart}
            language={language}
            isKnown={hasCart || isSignedIn}
          />
        </div>
      </div>
      <nav className="menu" aria-label={m.nav.menu}>
        <a href={pathIn(language, '/products')} aria-current={path === '/products' ? 'page' : undefined}>
          {m.nav.products}
        </a>
        {categories.items.map((category) => (
          <a
            key={category.id}
            href={pathIn(language, `/c/${category.slug}`)}
            aria-current={path === `/c/${category.slug}` ? 'page' : undefined}
          >
            {category.title}
          </a>
        ))}
      </nav>
    </header>
  );
}
