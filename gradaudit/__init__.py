"""gradaudit audits derivatives: claims against differences that carry an error bar."""

__version__ = "0.1.0"
