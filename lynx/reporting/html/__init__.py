"""The parts of the HTML report: what each section shows, and the templates that lay it out."""
