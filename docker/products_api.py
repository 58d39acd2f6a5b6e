"""A products API for trying out: GET /products?skip=0&limit=100, as pages with total. Standard library only."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PRODUCTS = [
    {
        "product_id": f"P-{number}",
        "product_name": f"Product {number}",
        "category": ("Tools", "Garden", "Kitchen")[number % 3],
        "brand": ("Acme", "Globex")[number % 2],
        "current_price": round(4.99 + number * 0.5, 2),
    }
    for number in range(250)
]
MOST = 100


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_GET(self) -> None:
        """Answer /products with a page, /health with ok."""
        parts = urlsplit(self.path)
        if parts.path == "/health":
            return self._answer(200, {"ok": True})
        if parts.path != "/products":
            return self._answer(404, {"error": "GET /products"})
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            skip, limit = int(asked.get("skip", "0")), min(int(asked.get("limit", MOST)), MOST)
        except ValueError:
            return self._answer(400, {"error": "skip and limit are whole numbers"})
        page = PRODUCTS[skip : skip + limit]
        return self._answer(200, {"products": page, "total": len(PRODUCTS), "skip": skip, "limit": limit})

    def _answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
