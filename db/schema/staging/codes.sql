CREATE TABLE staging.codes (
    kind            text NOT NULL,
    source_value    text COLLATE "C" NOT NULL,
    canonical_value text NOT NULL,
    CONSTRAINT codes_pkey PRIMARY KEY (kind, source_value),
    CONSTRAINT codes_kind_check CHECK (kind IN ('order_status', 'event_type')),
    -- Cleaning looks a code up trimmed and in lower case: a row written otherwise would never be found.
    CONSTRAINT codes_source_value_check CHECK (source_value = lower(btrim(source_value,
        E' \t\n\r\f\x0b\u0085\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2061\u2062\u2063\u2064\u2065\u2066\u2067\u2068\u2069\u206a\u206b\u206c\u206d\u206e\u206f\u3000\u3164\ufeff\uffa0')) AND source_value <> ''),
    CONSTRAINT codes_canonical_value_check CHECK (canonical_value <> '')
);
COMMENT ON TABLE staging.codes IS 'One row per spelling of a code that sources use. Add a row and run the day again; the canonical status must be in warehouse.order_statuses.';
COMMENT ON COLUMN staging.codes.kind IS 'order_status or event_type';
COMMENT ON COLUMN staging.codes.source_value IS 'Spelling of the source, trimmed and in lower case';
COMMENT ON COLUMN staging.codes.canonical_value IS 'What the warehouse calls it';

INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES
    ('order_status', 'pending', 'pending'), ('order_status', 'new', 'pending'), ('order_status', 'open', 'pending'),
    ('order_status', 'created', 'pending'), ('order_status', 'placed', 'pending'),
    ('order_status', 'awaiting_payment', 'pending'), ('order_status', 'unpaid', 'pending'),
    ('order_status', 'processing', 'processing'), ('order_status', 'in_progress', 'processing'),
    ('order_status', 'in progress', 'processing'), ('order_status', 'confirmed', 'processing'),
    ('order_status', 'paid', 'paid'), ('order_status', 'payment_received', 'paid'), ('order_status', 'captured', 'paid'),
    ('order_status', 'shipped', 'shipped'), ('order_status', 'dispatched', 'shipped'),
    ('order_status', 'sent', 'shipped'), ('order_status', 'in_transit', 'shipped'), ('order_status', 'in transit', 'shipped'),
    ('order_status', 'delivered', 'delivered'), ('order_status', 'received', 'delivered'),
    ('order_status', 'completed', 'completed'), ('order_status', 'complete', 'completed'),
    ('order_status', 'done', 'completed'), ('order_status', 'closed', 'completed'), ('order_status', 'fulfilled', 'completed'),
    ('order_status', 'cancelled', 'cancelled'), ('order_status', 'canceled', 'cancelled'),
    ('order_status', 'voided', 'cancelled'), ('order_status', 'void', 'cancelled'),
    ('order_status', 'refunded', 'refunded'), ('order_status', 'refund', 'refunded'), ('order_status', 'charged_back', 'refunded'),
    ('order_status', 'returned', 'returned'), ('order_status', 'return', 'returned'),
    ('order_status', 'failed', 'failed'), ('order_status', 'declined', 'failed'),
    ('order_status', 'rejected', 'failed'), ('order_status', 'error', 'failed'),
    ('event_type', 'page_view', 'page_view'), ('event_type', 'pageview', 'page_view'), ('event_type', 'page view', 'page_view'),
    ('event_type', 'view', 'product_view'), ('event_type', 'product_view', 'product_view'),
    ('event_type', 'view_item', 'product_view'), ('event_type', 'view_product', 'product_view'),
    ('event_type', 'click', 'click'), ('event_type', 'search', 'search'),
    ('event_type', 'add_to_cart', 'add_to_cart'), ('event_type', 'addtocart', 'add_to_cart'),
    ('event_type', 'add to cart', 'add_to_cart'), ('event_type', 'cart_add', 'add_to_cart'),
    ('event_type', 'remove_from_cart', 'remove_from_cart'), ('event_type', 'cart_remove', 'remove_from_cart'),
    ('event_type', 'checkout', 'checkout'), ('event_type', 'begin_checkout', 'checkout'),
    ('event_type', 'purchase', 'purchase'), ('event_type', 'transaction', 'purchase'), ('event_type', 'order', 'purchase'),
    ('event_type', 'signup', 'signup'), ('event_type', 'sign_up', 'signup'), ('event_type', 'register', 'signup'),
    ('event_type', 'login', 'login'), ('event_type', 'logout', 'logout'), ('event_type', 'session_start', 'session_start'),
    ('event_type', 'wishlist', 'wishlist'), ('event_type', 'add_to_wishlist', 'wishlist'), ('event_type', 'share', 'share'),
    ('event_type', 'review', 'review');
-- What the systems call it whose forms db/shapes/ knows.
INSERT INTO staging.codes (kind, source_value, canonical_value) VALUES
    
    ('order_status', 'checkout-draft', 'pending'), ('order_status', 'pending_payment', 'pending'),
    ('order_status', 'payment_review', 'pending'), ('order_status', 'holded', 'pending'),
    ('order_status', 'pending - waiting for pick up', 'pending'), ('order_status', 'authorized', 'processing'),
    ('order_status', 'partially_paid', 'processing'), ('order_status', 'unshipped', 'processing'),
    ('order_status', 'partially_refunded', 'paid'), ('order_status', 'succeeded', 'paid'),
    ('order_status', 'no_payment_required', 'paid'), ('order_status', 'partiallyshipped', 'shipped'),
    ('order_status', 'shipping', 'shipped'), ('order_status', 'shipped - picked up', 'shipped'),
    ('order_status', 'shipped - out for delivery', 'shipped'),
    ('order_status', 'shipped - delivered to buyer', 'delivered'),
    ('order_status', 'shipped - returned to seller', 'returned'),
    ('order_status', 'shipped - returning to seller', 'returned'),
    ('order_status', 'shipped - rejected by buyer', 'returned'), ('order_status', 'expired', 'cancelled'),
    ('order_status', 'trash', 'cancelled'), ('order_status', 'fraud', 'failed'), ('event_type', 'page', 'page_view'),
    ('event_type', 'screen', 'page_view'), ('event_type', 'product viewed', 'product_view'),
    ('event_type', 'product clicked', 'click'), ('event_type', 'select_item', 'click'),
    ('event_type', 'products searched', 'search'), ('event_type', 'view_search_results', 'search'),
    ('event_type', 'product added', 'add_to_cart'), ('event_type', 'product removed', 'remove_from_cart'),
    ('event_type', 'checkout started', 'checkout'), ('event_type', 'order completed', 'purchase'),
    ('event_type', 'product added to wishlist', 'wishlist'), ('event_type', 'product shared', 'share'),
    ('event_type', 'product reviewed', 'review'), ('event_type', 'signed up', 'signup'),
    ('event_type', 'signed in', 'login'), ('event_type', 'signed out', 'logout');
